"""Measure every operation that a user waits for against a reference of the same run."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from tt_bench.speed.record import Measurement


def tabulate_speed(rows: Sequence[Measurement]) -> Table:
    """Lay out measurements side by side, in a hundred columns of text.

    The ratio is the reference's time over the operation's; "x floor" is the operation's
    time over what the machine needs at least.
    """
    table = Table(box=box.ASCII2, padding=(0, 1, 0, 0))
    for name in ("operation", "time", "reference", "ratio", "x floor"):
        text = name in _TEXT
        table.add_column(name, justify="left" if text else "right", no_wrap=True)
    for name in ("rate", "memory"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        floor, memory = row.floor, row.memory
        table.add_row(
            row.name,
            _time(row.seconds),
            row.reference,
            f"{row.reference_seconds / row.seconds:.1f}",
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
