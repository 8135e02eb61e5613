"""One JSON file a run: what was run, with what, and what came out."""

import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from tt_bench.files import how_to_mend, read_json, write_json
from tt_bench.results.entries import (
    critic_with_steps,
    increasing_pair,
    is_flag,
    is_number,
    is_text,
    is_text_or_none,
    is_whole,
    mapping,
    maybe,
    one,
    one_each,
    several,
)

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

_TEXT = one(is_text, "a text")
_NUMBERS = several(is_number, "finite numbers")


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
        seconds: wall time of a seed: `train`, `evaluate` and `act`, which is the mean
            of an action; empty where nothing was played.
        returns: raw return of each episode.
        lengths: steps of each episode.
        successes: whether each episode succeeded, or None if not reported.
        scores: normalised returns, or None where no references are known.
        reference: raw returns that mean score 0 and 100, or None.
        note: where the returns come from if not from an evaluation, else empty.
        versions: of the packages, torch, gymnasium and Python.
        machine: device, number of threads, operating system.
        finished: time of the end, ISO 8601, UTC.

    Raises:
        ValueError: an entry is not of its kind, or there are not as many lengths,
            successes and scores as returns.
    """

    method: str = attrs.field(validator=_TEXT)
    seed: int = attrs.field(validator=one(is_whole, "a whole number"))
    environment: dict[str, Any] = attrs.field(validator=mapping(id=is_text_or_none))
    dataset: dict[str, Any] = attrs.field(
        validator=mapping(
            name=is_text, source=is_text, transitions=is_whole, episodes=is_whole
        )
    )
    settings: dict[str, Any] = attrs.field(validator=[mapping(), critic_with_steps])
    budget: dict[str, float] = attrs.field(
        validator=mapping(is_number, steps=is_number, minutes=is_number)
    )
    seconds: dict[str, float] = attrs.field(validator=mapping(is_number))
    returns: list[float] = attrs.field(validator=_NUMBERS)
    lengths: list[int] = attrs.field(
        validator=[several(is_whole, "whole numbers"), one_each]
    )
    successes: list[bool] | None = attrs.field(
        validator=maybe(several(is_flag, "true and false"), one_each)
    )
    scores: list[float] | None = attrs.field(validator=maybe(_NUMBERS, one_each))
    reference: list[float] | None = attrs.field(validator=maybe(increasing_pair))
    note: str = attrs.field(default="", validator=_TEXT)
    versions: dict[str, str] = attrs.field(
        factory=lambda: versions(), validator=mapping(is_text)
    )
    machine: dict[str, Any] = attrs.field(factory=dict, validator=mapping())
    finished: str = attrs.field(
        factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        validator=_TEXT,
    )


def versions() -> dict[str, str]:
    """Collect the versions that a result depends on."""
    found = {name: metadata.version(name) for name in _PACKAGES}
    return found | {"python": platform.python_version()}


def save_result(result: RunResult, path: str | os.PathLike[str]) -> None:
    """Write a result as JSON, whole or not at all."""
    write_json(Path(path), {"format": FORMAT, "schema": SCHEMA} | attrs.asdict(result))


def load_result(path: str | os.PathLike[str]) -> RunResult:
    """Read a result.

    Raises:
        ValueError: the file is cut short, foreign or of an unknown schema.
        FileNotFoundError: there is no such file.
    """
    path = Path(path)
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
    try:
        return RunResult(**{name: content[name] for name in names})
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {how_to_mend(path)}") from error
