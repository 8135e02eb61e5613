"""Learning curves of the networks beside results: from their logs, or their notes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tt_bench.files import read_json
from tt_bench.methods import HELD_OUT, read_log
from tt_bench.pages.boards import Board, Variant
from tt_bench.pages.collected import FARTHEST, LARGEST
from tt_bench.pages.episodes import is_own
from tt_bench.pages.words import plain

PARTS = ("observation", "action", "reward", "value")
SCORE, RETURN = "score", "return"
_WRONG = (ValueError, OSError, TypeError, LookupError, ArithmeticError, AttributeError)
_LOG, _NOTES, _SETTINGS = "training.csv", "training.json", "settings.json"


class Point(NamedTuple):
    """What was measured at a step: nats of parts, or a score."""

    step: float
    minutes: float
    values: Mapping[str, float]


class Curve(NamedTuple):
    """What was measured in the training of a network with a seed.

    Attributes:
        label: the variants that use it; of scores, the method that was scored.
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
            except _WRONG as error:
                notes.append(f"no learning curve: {plain(f'{settings}: {error}')}")
    labels: dict[str, str] = {}
    for kind, curve in curves:  # the name of those of most users
        labels[kind] = max(labels.get(kind, ""), curve.label, key=len)
    return [curve._replace(label=labels[kind]) for kind, curve in curves], notes


def _read(board: Board, path: Path) -> Iterator[tuple[str, Curve]]:
    """Yield the curves of a network that is used, and what tells it from others."""
    if not is_own(path, path.parents[1]) or path.stat().st_size > LARGEST:
        return
    settings = read_json(path)
    users = [v.label for v in board.variants if _uses(v, settings)]
    if not users:
        return
    seed = int(settings.pop("seed"))
    kind = json.dumps(settings, sort_keys=True)
    nats, scores = _points(path.parent)
    if nats:
        yield kind, Curve(", ".join(users), seed, tuple(nats))
    for method, points in scores.items():
        label = plain(method, 60) or ", ".join(users)
        yield f"{method} {kind}", Curve(label, seed, tuple(points))


def _uses(variant: Variant, network: Mapping[str, Any]) -> bool:
    """Say whether a run has all the settings of a network."""
    return any(
        all(name in run.settings for name in network)
        and all(run.settings[name] == network[name] for name in network)
        for run in variant.runs
    )


def _points(folder: Path) -> tuple[list[Point], dict[str, list[Point]]]:
    """Read nats of parts, and the scores of each method."""
    log, notes = folder / _LOG, folder / _NOTES
    for path in (log, notes):
        usable = is_own(path, folder) and path.stat().st_size <= LARGEST
        if not usable and (path.exists() or path.is_symlink()):
            raise ValueError(f"{path.name} is no file, a link or too large")
    rows = read_log(log)
    if any(row.get(f"{HELD_OUT}{part}") for row in rows for part in PARTS):
        nats = _logged(rows, {f"{HELD_OUT}{part}": part for part in PARTS})
    else:
        nats = _noted(notes) if notes.exists() else []
    scored = [row for row in rows if row.get(SCORE) or row.get(RETURN)]
    names = dict.fromkeys(row.get("scored", "") for row in scored)
    return nats, {
        name: _logged(
            [row for row in scored if row.get("scored", "") == name],
            {name: name for kind in (SCORE, RETURN) for name in _spread(kind)},
        )
        for name in names
    }


def _spread(kind: str) -> tuple[str, str, str]:
    return kind, f"{kind}_low", f"{kind}_high"


def _noted(path: Path) -> list[Point]:
    """Read the nats that an earlier version noted."""
    return [
        _point(losses["step"], losses["seconds"], losses["held_out"].items())
        for losses in read_json(path).get("losses", ())
    ]


def _logged(rows: Iterable[Mapping[str, str]], names: Mapping[str, str]) -> list[Point]:
    """Take columns, under other names, of the rows that have any of them."""
    points = [
        _point(row["step"], row["seconds"], [(n, row.get(c)) for c, n in names.items()])
        for row in rows
    ]
    return [point for point in points if point.values]


def _point(step: Any, seconds: Any, found: Iterable[tuple[str, Any]]) -> Point:
    values = {name: _finite(v) for name, v in found if v not in (None, "")}
    return Point(_finite(step), _finite(seconds) / 60, values)


def _finite(value: Any) -> float:
    number = float(value)
    if not abs(number) <= FARTHEST:  # false for NaN
        raise ValueError(f"expected a number that can be drawn, got {plain(value, 40)}")
    return number
