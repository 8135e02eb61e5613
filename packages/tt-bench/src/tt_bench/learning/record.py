"""What an entry of the speedrun came to with one seed, and its file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from tt_bench.files import how_to_mend, read_facts, write_json

_FORMAT = "tt-bench learning"


@attrs.frozen
class Point:
    """What was known at one moment of a training.

    Attributes:
        tokens: predicted in training so far.
        cpu_seconds: processor time of the steps alone.
        seconds: since training began, held-out losses and checkpoints included.
        nats: mean held-out loss of the tokens of each part of a transition; None where
            there was none to predict.
    """

    tokens: int
    cpu_seconds: float
    seconds: float
    nats: Mapping[str, float | None]


@attrs.frozen
class Learned:
    """The learning curve of an entry with one seed; its last point is the end."""

    entry: str
    seed: int
    steps: int
    curve: tuple[Point, ...]

    @property
    def end(self) -> Point:
        """What was known when training had ended."""
        return self.curve[-1]


def write_learned(path: Path, learned: Learned, facts: Mapping[str, Any]) -> None:
    """Write a curve whole or not at all, with facts about its data and machine."""
    write_json(path, {"format": _FORMAT, **facts, **attrs.asdict(learned)})


def read_learned(path: Path) -> Learned:
    """Read a curve.

    Raises:
        ValueError: the file is damaged or another one.
    """
    try:
        return read_facts(path, _build)
    except ValueError as error:
        raise ValueError(f"{error}; {how_to_mend(path)}") from error


def _build(content: dict[str, Any]) -> Learned:
    if content["format"] != _FORMAT:
        raise ValueError(f"its format is {content['format']!r}, not {_FORMAT!r}")
    curve = tuple(Point(**point) for point in content["curve"])
    if not curve:
        raise ValueError("its curve is empty")
    return Learned(content["entry"], content["seed"], content["steps"], curve)
