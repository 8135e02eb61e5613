"""Show what happens in a run, on a terminal or in a log."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tt_bench.interface import Event, Notify

_LINES = 4  # of a piece of work, where there is no bar


def say(console: Console, text: str) -> None:
    """Print a line as it is, however long."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def shown_on(console: Console) -> Notify:
    """Make what prints messages, and progress as a bar on a terminal, else in lines."""
    return _Bars(console) if console.is_terminal else _Lines(console)


class _Bars:
    """Show a bar while a piece of work goes on; it vanishes at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open: dict[str, tuple[Progress, TaskID]] = {}

    def __call__(self, event: Event) -> None:
        if event.kind == "message":
            say(self._console, event.text)
        elif event.kind == "begun":
            self._begin(event)
        elif event.kind == "going":
            bar, task = self._open[event.text]
            bar.update(task, completed=event.done, note=event.note)
        else:
            self._open.pop(event.text)[0].stop()

    def _begin(self, event: Event) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        bar = Progress(*columns, console=self._console, transient=True)
        self._open[event.text] = (
            bar,
            bar.add_task(event.text, total=event.total, note=""),
        )
        bar.start()


class _Lines:
    """Print a few lines of a piece of work, and none of one that was done before."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._due: dict[str, int] = {}

    def __call__(self, event: Event) -> None:
        if event.kind == "message":
            say(self._console, event.text)
        elif event.kind == "begun":
            self._due[event.text] = 0
        elif event.kind == "going" and event.done >= self._due[event.text]:
            self._print(event)

    def _print(self, event: Event) -> None:
        done, total = event.done, event.total
        note = f", {event.note}" if event.note else ""
        say(self._console, f"{event.text}: {done:,} of {total:,}{note}")
        due = (done * _LINES // total + 1) * total // _LINES + 1
        self._due[event.text] = due
