"""One JSON file a run: what was run, with what, and what came out."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from tt_bench.files.whole import written_whole

FORMAT = "tt-bench run"
SCHEMA = 1

_LATER = {"training": ("decay",)}  # settings that were not there from the first on
_PACKAGES = (
    "tt-bench",
    "tt-critic",
    "tt-model",
    "tt-plan",
    "tt-tokenize",
    "torch",
    "gymnasium",
)


@attrs.frozen
class RunResult:
    """A finished run of one method with one seed.

    Attributes:
        method: name of the method.
        seed: seed of the training and of the method's own randomness.
        environment: id and limits of the environment of the evaluation.
        dataset: name, source, fingerprint, transitions, episodes.
        settings: every setting that the outcome depends on.
        budget: what training took: `steps`, `minutes`.
        seconds: wall time by stage; `plan` is the mean of one step's acting.
        returns: raw return of each episode.
        lengths: steps of each episode.
        successes: whether each episode succeeded, or None if not reported.
        scores: normalised returns, or None where no references are known.
        reference: raw returns that mean score 0 and 100, or None.
        note: where the returns come from if not from an evaluation, else empty.
        versions: of the packages, torch, gymnasium and Python.
        machine: device, number of threads, operating system.
        finished: time of the end, ISO 8601, UTC.
    """

    method: str
    seed: int
    environment: dict[str, Any]
    dataset: dict[str, Any]
    settings: dict[str, Any]
    budget: dict[str, float]
    seconds: dict[str, float]
    returns: list[float]
    lengths: list[int]
    successes: list[bool] | None
    scores: list[float] | None
    reference: list[float] | None
    note: str = ""
    versions: dict[str, str] = attrs.field(factory=lambda: versions())
    machine: dict[str, Any] = attrs.field(factory=dict)
    finished: str = attrs.field(
        factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    )


def versions() -> dict[str, str]:
    """Collect the versions that a result depends on."""
    found = {name: metadata.version(name) for name in _PACKAGES}
    return found | {"python": platform.python_version()}


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Return eight hexadecimal digits that name the settings, whatever their order.

    Settings that came later count once they are set, so that what was made without
    them is found.
    """
    named = dict(settings)
    for part, later in _LATER.items():
        if isinstance(named.get(part), Mapping):
            named[part] = _without_unset(named[part], later)
    text = json.dumps(named, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _without_unset(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {
        name: value
        for name, value in settings.items()
        if not (name in names and value is None)
    }


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


def save_result(result: RunResult, path: Path) -> None:
    """Write a result as JSON, whole or not at all."""
    write_json(path, {"format": FORMAT, "schema": SCHEMA} | attrs.asdict(result))


def load_result(path: Path) -> RunResult:
    """Read a result.

    Raises:
        ValueError: the file is cut short, foreign or of an unknown schema.
        FileNotFoundError: there is no such file.
    """
    content = read_json(path)
    if content.get("format") != FORMAT:
        raise ValueError(f"{path}: not the result of a run; {_fix(path)}")
    if content.get("schema") != SCHEMA:
        raise ValueError(
            f"{path}: expected schema {SCHEMA}, got {content.get('schema')!r}; read it "
            "with the tt-bench that wrote it, or move it away to run it again"
        )
    names = {field.name for field in attrs.fields(RunResult)}
    if names != set(content) - {"format", "schema"}:
        odd = sorted(names ^ (set(content) - {"format", "schema"}))
        raise ValueError(f"{path}: missing or unknown entries {odd}; {_fix(path)}")
    return RunResult(**{name: content[name] for name in names})


def read_json(path: Path) -> dict[str, Any]:
    """Read what was written; empty if it is no mapping.

    Raises:
        ValueError: the file is cut short or not JSON.
    """
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: cut short or not JSON; {_fix(path)}") from error
    return content if isinstance(content, dict) else {}


def _fix(path: Path) -> str:
    return f"delete {path.name} and give the same command to run it again"
