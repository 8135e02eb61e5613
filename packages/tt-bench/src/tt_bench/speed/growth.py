"""How the time of a plan grows with each of its sizes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from rich import box
from rich.table import Table

from tt_bench.methods import PlanShape
from tt_bench.speed.machine import clock
from tt_bench.speed.plan import build, known, planner, rotary

_BASE = PlanShape(beam=32, horizon=10)
_VARIED = {
    "horizon": (5, 10, 20, 40),
    "beam": (16, 32, 64, 128),
    "environments": (1, 2, 4, 8),
    "observation": (11, 17, 27, 111),
}


class Curve(NamedTuple):
    """The time of a plan over one of its sizes.

    Attributes:
        name: The size that varies.
        sizes: Its values.
        seconds: The time at each.
        order: Slope of log time over log size: 1 is proportional growth.
    """

    name: str
    sizes: Sequence[int]
    seconds: Sequence[float]
    order: float


def measure_growth(device: str) -> Iterator[Curve]:
    """Time plans while one size varies and the others stay."""
    for name, sizes in _VARIED.items():
        seconds = [_time(_BASE._replace(**{name: size}), device) for size in sizes]
        order = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
        yield Curve(name, sizes, seconds, float(order))


def _time(shape: PlanShape, device: str) -> float:
    model, prefix = build(rotary(shape), device), known(shape, device)
    plan = planner(model, shape, device)
    return clock(lambda: plan(prefix), device, repeats=2)


def tabulate_growth(curves: Sequence[Curve]) -> Table:
    """Lay out one row a size that varies."""
    base = ", ".join(f"{k} {v}" for k, v in _BASE._asdict().items())
    table = Table(box=box.ASCII2, title=f"seconds a plan; else {base}")
    for name in ("size", "values", "seconds", "order"):
        table.add_column(name)
    for curve in curves:
        seconds = "  ".join(f"{s:.3g}" for s in curve.seconds)
        sizes = "  ".join(map(str, curve.sizes))
        table.add_row(curve.name, sizes, seconds, f"{curve.order:.2f}")
    return table
