"""Measure every operation that a user waits for against a reference of the same run."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from tt_bench.speed.record import Measurement


def tabulate_speed(rows: Sequence[Measurement]) -> Table:
    """Lay out measurements side by side."""
    table = Table(box=box.ASCII2)
    for name in ("operation", "time", "reference", "its time", "ratio"):
        text = name in _TEXT
        table.add_column(name, justify="left" if text else "right", no_wrap=text)
    for name in ("floor", "x floor", "rate", "memory"):
        table.add_column(name, justify="right")
    for row in rows:
        floor, memory = row.floor, row.memory
        table.add_row(
            row.name,
            _time(row.seconds),
            row.reference,
            _time(row.reference_seconds),
            f"{row.reference_seconds / row.seconds:.1f}",
            _time(floor) if floor else "-",
            f"{row.seconds / floor:.1f}" if floor else "-",
            row.rate,
            f"{memory / 1e6:.0f} MB" if memory is not None else "-",
        )
    return table


_TEXT = ("operation", "reference")


def _time(seconds: float) -> str:
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"
