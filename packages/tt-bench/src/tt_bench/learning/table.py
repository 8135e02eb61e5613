"""The tables of the speedrun: what was learned, and when the targets were reached."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rich import box
from rich.table import Table

from tt_bench.learning.record import Learned, Point
from tt_bench.learning.targets import PARTS, first_reached, nats

_PARTS = ("obser-\nvation", *PARTS[1:])
_NATS = (
    "CPU: seconds of the steps alone, on one thread; held-out losses are in the wall "
    "time only. Nats of held-out tokens at the end. Means over the seeds; +- is the "
    "largest standard error of the four."
)
_REACHED = (
    "M tokens/CPU seconds until the held-out nats were at or below the target, each "
    "and all four at once. Means over the seeds; 1 of 2: not every seed came there. "
    "Share: of all that {base} took."
)


def tabulate_nats(runs: Sequence[Learned]) -> Table:
    """Lay out what each entry took and what it ended with: one row an entry."""
    table = _empty(_NATS, "steps", "tokens,\nM", "CPU,\ns", "wall,\ns", *_PARTS, "+-")
    for entry, seeds in _by_entry(runs).items():
        ends = [run.end for run in seeds]
        table.add_row(
            entry,
            f"{seeds[0].steps:,}",
            f"{_mean(ends, _millions):.1f}",
            f"{_mean(ends, _cpu):.0f}",
            f"{_mean(ends, lambda end: end.seconds):.0f}",
            *(f"{np.mean(_nats(ends, part)):.3f}" for part in PARTS),
            _largest_error(ends),
        )
    return table


def tabulate_targets(
    runs: Sequence[Learned], targets: Mapping[str, float], base: str
) -> Table:
    """Lay out when each entry reached the targets.

    Args:
        runs: of all entries and seeds.
        targets: nats of each part.
        base: the entry whose whole training the others are held against; where it has
            no run, there are no shares.
    """
    caption = _REACHED.format(base=base)
    table = _empty(caption, *_PARTS, "all\nfour", "share,\ntokens", "share,\nCPU")
    for entry, seeds in _by_entry(runs).items():
        each = [_when(seeds, {part: targets[part]}) for part in PARTS]
        shares = _shares(seeds, targets, [run for run in runs if run.entry == base])
        table.add_row(entry, *each, _when(seeds, targets), *shares)
    return table


def _empty(caption: str, *columns: str) -> Table:
    table = Table(box=box.ASCII2, caption=caption, caption_justify="left")
    table.add_column("entry", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _by_entry(runs: Sequence[Learned]) -> dict[str, list[Learned]]:
    entries = dict.fromkeys(run.entry for run in runs)
    return {entry: [run for run in runs if run.entry == entry] for entry in entries}


def _mean(points: Sequence[Point], number: Callable[[Point], float]) -> float:
    return float(np.mean([number(point) for point in points]))


def _millions(point: Point) -> float:
    return point.tokens / 1e6


def _cpu(point: Point) -> float:
    return point.cpu_seconds


def _nats(points: Sequence[Point], part: str) -> list[float]:
    return [nats(point, part) for point in points]


def _largest_error(ends: Sequence[Point]) -> str:
    if len(ends) == 1:
        return "-"
    errors = [np.std(_nats(ends, part), ddof=1) for part in PARTS]
    return f"{max(errors) / math.sqrt(len(ends)):.3f}"


def _when(seeds: Sequence[Learned], targets: Mapping[str, float]) -> str:
    """Say what it took to reach targets, or how many seeds did if not all."""
    points = _reached(seeds, targets)
    if len(points) < len(seeds):
        return f"{len(points)} of {len(seeds)}"
    return f"{_mean(points, _millions):.1f}/{_mean(points, _cpu):.0f}"


def _reached(seeds: Sequence[Learned], targets: Mapping[str, float]) -> list[Point]:
    found = (first_reached(run, targets) for run in seeds)
    return [point for point in found if point is not None]


def _shares(
    seeds: Sequence[Learned], targets: Mapping[str, float], base: Sequence[Learned]
) -> tuple[str, str]:
    """Hold what it took to reach all targets against what a whole training took."""
    points, ends = _reached(seeds, targets), [run.end for run in base]
    if not ends or len(points) < len(seeds):
        return "-", "-"
    tokens, cpu = (_mean(points, n) / _mean(ends, n) for n in (_millions, _cpu))
    return f"{100 * tokens:.0f} %", f"{100 * cpu:.0f} %"
