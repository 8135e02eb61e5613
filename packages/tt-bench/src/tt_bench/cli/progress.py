"""Show how far a piece of work is, on a terminal or in a log."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tt_bench.interface import Advance, Track

_LINES = 4  # of a piece of work, where there is no bar


def say(console: Console, text: str) -> None:
    """Print a line as it is, however long."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def silent(_name: str, _total: int) -> Iterator[Advance]:
    """Track nothing."""
    yield lambda _done, _note: None


def shown_on(console: Console) -> Track:
    """Make a tracker with a bar on a terminal, and with a few lines elsewhere."""
    return partial(_bar if console.is_terminal else _lines, console)


@contextmanager
def _bar(console: Console, name: str, total: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(name, total=total, note="")
        yield lambda done, note: progress.update(task, completed=done, note=note)


@contextmanager
def _lines(console: Console, name: str, total: int) -> Iterator[Advance]:
    due = 0

    def advance(done: int, note: str) -> None:
        nonlocal due
        if done >= due:
            text = f"{name}: {done:,} of {total:,}" + (note and f", {note}")
            console.print(text, highlight=False, markup=False, soft_wrap=True)
            due = (done * _LINES // total + 1) * total // _LINES + 1

    yield advance
