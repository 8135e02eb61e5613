"""A report before it has a format: sections of tables, figures, pictures and words.

Texts are plain: they mean themselves, and every format escapes them in its own way.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import attrs

from tt_bench.pages.words import number


class Spread(NamedTuple):
    """A number and the ends of its interval of 95 %; NaN where none is known."""

    value: float
    low: float
    high: float


Cell: TypeAlias = str | float | Spread | None


class Column(NamedTuple):
    """A column: its title, and the decimals of its numbers."""

    title: str
    digits: int = 1


@attrs.frozen
class Table:
    """A table.

    Attributes:
        name: of its file and anchor, letters, digits and hyphens.
        title: above it.
        columns: as many as each row has cells.
        rows: of cells.
        note: below it.
        folded: whether a page shows it only when asked to.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    folded: bool = False


@attrs.frozen
class Figure:
    """A drawing as SVG, made here."""

    name: str
    title: str
    svg: bytes
    note: str = ""


@attrs.frozen
class Media:
    """A picture or video that was found: its kind is "image/png" or "video/mp4"."""

    title: str
    kind: str
    content: bytes
    path: Path


class Listing(NamedTuple):
    """Lines to be copied, as they are."""

    lines: tuple[str, ...]


Part: TypeAlias = str | Table | Figure | Media | Listing


class Section(NamedTuple):
    """A part of the report under a title."""

    title: str
    parts: tuple[Part, ...]


class Document(NamedTuple):
    """A whole report."""

    title: str
    sections: tuple[Section, ...]

    @property
    def parts(self) -> list[Part]:
        """All parts of all sections."""
        return [part for section in self.sections for part in section.parts]

    @property
    def tables(self) -> list[Table]:
        """All tables."""
        return [part for part in self.parts if isinstance(part, Table)]

    @property
    def figures(self) -> list[Figure]:
        """All figures."""
        return [part for part in self.parts if isinstance(part, Figure)]


def filled(
    columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]]
) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]:
    """Leave out the columns that have nothing in any row."""
    kept = [i for i in range(len(columns)) if any(r[i] is not None for r in rows)]
    return (
        tuple(columns[i] for i in kept),
        tuple(tuple(row[i] for i in kept) for row in rows),
    )


def shown(cell: Cell, column: Column) -> str:
    """Write a cell as text."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if not isinstance(cell, Spread):
        return number(cell, column.digits)
    value, low, high = (number(part, column.digits) for part in cell)
    known = cell.low == cell.low
    return f"{value} [{low}, {high}]" if known else f"{value}, no interval"
