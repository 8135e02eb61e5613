"""Learning curves of the networks beside results: from their logs, or their notes."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tt_bench.files import read_json
from tt_bench.pages.boards import Board, Variant
from tt_bench.pages.words import plain

PARTS = ("observation", "action", "reward", "value")
SCORE = "score"
_LARGEST = 64 * 2**20  # bytes of a log
_FARTHEST = 1e15  # from 0 that a number is drawn
_LOG, _NOTES, _SETTINGS = "training.csv", "training.json", "settings.json"
_NATS = "held_out_"


class Point(NamedTuple):
    """What was measured at a step: nats of parts, or a score."""

    step: float
    minutes: float
    values: Mapping[str, float]


class Curve(NamedTuple):
    """What was measured in the training of a network with a seed.

    Attributes:
        label: the variants that use it.
        seed: of the training.
        points: by step.
    """

    label: str
    seed: int
    points: tuple[Point, ...]


def read_curves(board: Board) -> tuple[list[Curve], list[str]]:
    """Read the curves of the networks that a board's runs use, and say what can't be.

    A network belongs to the runs whose settings are its own, all of them.
    """
    curves: list[tuple[str, Curve]] = []
    notes = []
    for folder in board.folders:
        for settings in sorted(folder.glob(f"*/{_SETTINGS}")):
            try:
                curves += _read(board, settings)
            except (ValueError, OSError, TypeError, LookupError) as error:
                notes.append(f"no learning curve: {plain(f'{settings}: {error}')}")
    labels: dict[str, str] = {}
    for kind, curve in curves:  # the name of those of most users
        labels[kind] = max(labels.get(kind, ""), curve.label, key=len)
    return [curve._replace(label=labels[kind]) for kind, curve in curves], notes


def _read(board: Board, path: Path) -> Iterator[tuple[str, Curve]]:
    """Yield the curve of a network that is used, and what tells it from others."""
    if path.is_symlink() or path.stat().st_size > _LARGEST:
        return
    settings = read_json(path)
    users = [v.label for v in board.variants if _uses(v, settings)]
    points = tuple(_points(path.parent)) if users else ()
    if points:
        seed = settings.pop("seed")
        kind = json.dumps(settings, sort_keys=True)
        yield kind, Curve(", ".join(users), int(seed), points)


def _uses(variant: Variant, network: Mapping[str, Any]) -> bool:
    """Say whether a run has all the settings of a network."""
    return any(
        all(name in run.settings for name in network)
        and all(run.settings[name] == network[name] for name in network)
        for run in variant.runs
    )


def _points(folder: Path) -> Iterator[Point]:
    log, notes = folder / _LOG, folder / _NOTES
    for path in (log, notes):
        if path.is_symlink() or (path.exists() and path.stat().st_size > _LARGEST):
            raise ValueError(f"{path.name} is a link or too large")
    if log.exists():
        yield from _logged(log)
    elif notes.exists():
        for losses in read_json(notes).get("losses", ()):
            held_out = losses["held_out"]
            yield _point(losses["step"], losses["seconds"], held_out.items())


def _logged(path: Path) -> Iterator[Point]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = [(n.removeprefix(_NATS), row.get(n)) for n in (*_COLUMNS, SCORE)]
            point = _point(row.get("step"), row.get("seconds"), found)
            if point.values:
                yield point


_COLUMNS = tuple(f"{_NATS}{part}" for part in PARTS)


def _point(step: Any, seconds: Any, found: Iterable[tuple[str, Any]]) -> Point:
    values = {name: _finite(v) for name, v in found if v not in (None, "")}
    return Point(_finite(step), _finite(seconds) / 60, values)


def _finite(value: Any) -> float:
    number = float(value)
    if not abs(number) <= _FARTHEST:  # false for NaN
        raise ValueError(f"expected a number that can be drawn, got {plain(value, 40)}")
    return number
