"""The log of a training: a CSV file that grows while it goes on."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tt_bench.files import written_whole
from tt_bench.methods.loggers import Loggers

LOG = "training.csv"
_ALWAYS = ("step", "seconds")
_DIGITS = 15  # of a step
_ROWS = 200  # of a log, if as many are enough


class TrainingLog:
    """Write a row a report.

    A row is written when its step has been made and before a checkpoint holds the step.
    So a training that goes on from a checkpoint finds all rows up to it; those of later
    steps, which are made again, are dropped, and so is half a row.
    """

    def __init__(
        self, folder: Path, columns: Sequence[str], loggers: Loggers | None = None
    ) -> None:
        """Log to a folder's file, and tell others, what columns there are."""
        self._path, self._loggers, self._begun = folder / LOG, loggers, False
        self._columns: tuple[str, ...] = (*_ALWAYS, *columns)

    def write(self, step: int, row: Mapping[str, float | str]) -> None:
        """Log what there is of the columns at a step, later than all before."""
        if not self._begun:
            self._begin(step)
        cells = {"step": step, **row}
        line = _line(_cell(cells.get(column)) for column in self._columns)
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(line)
        if self._loggers is not None:
            self._loggers.tell(step, row)

    def _begin(self, step: int) -> None:
        """Keep the whole rows of earlier steps, and their columns."""
        self._begun = True
        rows = [row for row in read_log(self._path) if int(row["step"]) < step]
        earlier = rows[0] if rows else ()
        self._columns = tuple(dict.fromkeys((*self._columns, *earlier)))
        lines = [_line([row.get(c) or "" for c in self._columns]) for row in rows]
        with written_whole(self._path) as partial:
            partial.write_text("".join((_line(self._columns), *lines)), "utf-8")


def read_log(path: Path) -> list[dict[str, str]]:
    """Read the whole rows of a log, one a step; none where there is no log."""
    if not path.exists():
        return []
    whole = path.read_text("utf-8", errors="replace").rpartition("\n")[0]
    reader = csv.DictReader(io.StringIO(whole), restkey="", restval="")
    try:
        rows = {int(row["step"]): row for row in reader if _is_row(row)}
    except csv.Error:
        return []
    return [
        {name: cell for name, cell in rows[step].items() if name}
        for step in sorted(rows)
    ]


def _is_row(row: Mapping[str, str]) -> bool:
    step = row.get("step", "")
    return step.isdecimal() and len(step) <= _DIGITS


def is_logged(step: int, since: int, steps: int) -> bool:
    """Choose some of the steps of a training, and its last; `since` was told before."""
    share = max(1, steps // _ROWS)
    return step == steps or step // share > since // share


def _line(cells: Iterable[str]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerow(cells)
    return made.getvalue()


def _cell(value: float | str | None) -> str:
    """Write a number in full; nothing for one that there is not."""
    if isinstance(value, str):
        return value
    return "" if value is None or value != value else repr(value)
