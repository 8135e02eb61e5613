"""Show how far a piece of work is, on a terminal or in a log."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tt_bench._interface import Advance, Track


@contextmanager
def silent(_name: str, _total: int) -> Iterator[Advance]:
    """Track nothing."""
    yield lambda _done, _note: None


def shown_on(console: Console) -> Track:
    """Make a tracker with a bar on a terminal, and with a line a piece elsewhere."""

    @contextmanager
    def track(name: str, total: int) -> Iterator[Advance]:
        if not console.is_terminal:
            console.print(f"{name} ...")
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as progress:
            task = progress.add_task(name, total=total or None, note="")

            def advance(done: int, note: str) -> None:
                progress.update(task, completed=done, note=note)

            yield advance

    return track
