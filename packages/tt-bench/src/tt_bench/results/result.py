"""One JSON file a run: what was run, with what, and what came out."""

import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from tt_bench.files import how_to_mend, read_json, write_json

FORMAT = "tt-bench run"
SCHEMA = 1

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
        raise ValueError(f"{path}: not the result of a run; {how_to_mend(path)}")
    if content.get("schema") != SCHEMA:
        raise ValueError(
            f"{path}: expected schema {SCHEMA}, got {content.get('schema')!r}; read it "
            "with the tt-bench that wrote it, or move it away to run it again"
        )
    names = {field.name for field in attrs.fields(RunResult)}
    if names != set(content) - {"format", "schema"}:
        odd = sorted(names ^ (set(content) - {"format", "schema"}))
        raise ValueError(
            f"{path}: missing or unknown entries {odd}; {how_to_mend(path)}"
        )
    return RunResult(**{name: content[name] for name in names})
