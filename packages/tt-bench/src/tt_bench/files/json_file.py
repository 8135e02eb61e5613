"""JSON files, whole or not at all."""

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Never, TypeVar

from tt_bench.files.errors import first_line
from tt_bench.files.strays import held, writer
from tt_bench.files.whole import written_whole

_Built = TypeVar("_Built")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file whole or not at all, making its folder."""
    text = _text(content)
    try:
        _write(path, text)
    except FileNotFoundError:  # somebody who knows of no locks took it for a stray
        _write(path, text)


def _write(path: Path, text: str) -> None:
    with written_whole(path) as partial:
        partial.write_text(text, "utf-8")


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def write_once(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file whole unless there is one, which another process may just make."""
    mine = path.with_name(f"{path.stem}.{writer()}.once{path.suffix}")
    text = _text(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with held(mine):
            mine.write_text(text, "utf-8")
            _link_or_move(mine, path)
    finally:
        mine.unlink(missing_ok=True)


def _link_or_move(mine: Path, path: Path) -> None:
    try:
        os.link(mine, path)
    except OSError:  # there is one, or links are unknown here
        if not path.exists():
            os.replace(mine, path)


def read_json(path: Path) -> dict[str, Any]:
    """Read what was written; empty if it is no mapping.

    Raises:
        ValueError: the file is cut short or not JSON, or has NaN or infinity, which is
            never written.
    """
    try:
        content = json.loads(
            path.read_bytes(), parse_constant=_refuse, parse_float=_finite
        )
    except _OddNumberError as error:
        raise ValueError(f"{path}: {error}; {how_to_mend(path)}") from error
    except (ValueError, RecursionError) as error:
        reason = f"cut short or not JSON; {how_to_mend(path)}"
        raise ValueError(f"{path}: {reason}") from error
    return content if isinstance(content, dict) else {}


class _OddNumberError(ValueError):
    """A number that is never written."""


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(text: str) -> Never:
    raise _OddNumberError(f"holds {text} in the place of a finite number")


def read_facts(path: Path, build: Callable[[dict[str, Any]], _Built]) -> _Built:
    """Build what a file's mapping describes.

    Raises:
        ValueError: the file is damaged, or lacks something or holds something else.
    """
    content = read_json(path)
    try:
        return build(content)
    except KeyError as error:
        raise ValueError(f"{path}: holds no {error}") from error
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path}: not as written ({first_line(error)})") from error


def how_to_mend(path: Path) -> str:
    """Say what to do about a damaged file that a run has written."""
    return f"delete {path.name} and give the same command to run it again"
