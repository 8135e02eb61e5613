"""JSON files, whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tt_bench.files.whole import written_whole


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file whole or not at all, making its folder."""
    with written_whole(path) as partial:
        partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def write_once(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file whole unless there is one, which another process may just make."""
    mine = path.with_name(f"{path.stem}.{os.getpid()}.once{path.suffix}")
    write_json(mine, content)
    try:
        os.link(mine, path)
    except OSError:  # there is one, or links are unknown here
        if not path.exists():
            os.replace(mine, path)
    finally:
        mine.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read what was written; empty if it is no mapping.

    Raises:
        ValueError: the file is cut short or not JSON.
    """
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        reason = f"cut short or not JSON; {how_to_mend(path)}"
        raise ValueError(f"{path}: {reason}") from error
    return content if isinstance(content, dict) else {}


def how_to_mend(path: Path) -> str:
    """Say what to do about a damaged file that a run has written."""
    return f"delete {path.name} and give the same command to run it again"
