"""The tables of a report as comma-separated values, numbers in full."""

import csv
import io
from collections.abc import Iterator

from tt_bench.pages.document import Cell, Column, Spread, Table

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def comma_separated(table: Table) -> str:
    """Write a table; a column of intervals becomes three.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    spread = [_is_spread(table, index) for index in range(len(table.columns))]
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    pairs = zip(table.columns, spread, strict=True)
    writer.writerow(
        [title for column, wide in pairs for title in _titles(column, wide)]
    )
    for cells in table.rows:
        both = zip(cells, spread, strict=True)
        writer.writerow([text for cell, wide in both for text in _texts(cell, wide)])
    return made.getvalue()


def _is_spread(table: Table, index: int) -> bool:
    return any(isinstance(row[index], Spread) for row in table.rows)


def _titles(column: Column, wide: bool) -> Iterator[str]:
    title = _safe(column.title)
    yield title
    if wide:
        yield from (f"{title}, low", f"{title}, high")


def _texts(cell: Cell, wide: bool) -> Iterator[str]:
    if isinstance(cell, Spread):
        yield from map(_number, cell)
        return
    yield _safe(cell) if isinstance(cell, str) else _number(cell)
    yield from ("", "") if wide else ()


def _number(value: float | None) -> str:
    return "" if value is None or value != value else repr(value)


def _safe(text: str) -> str:
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
