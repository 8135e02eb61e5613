"""A report as Markdown of GitHub's kind."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from tt_bench.pages.document import (
    Document,
    Figure,
    Listing,
    Media,
    Part,
    Section,
    Table,
    shown,
)

_MEANS = re.compile(r"([\\`*_{}\[\]<>()#!|~$&@^])")
_LINKS = re.compile(r"(:)(?=//)|(?<=\bwww)(\.)", re.IGNORECASE)  # GitHub makes links
_BEGINS = re.compile(r"^([-+=]|\d+(?=[.)]))")


def markdown(document: Document, output: Path) -> str:
    """Write a document that will lie in an output folder, beside `figures`."""
    lines = [f"# {_escape(document.title)}", ""]
    for section in document.sections:
        lines += _section(section, output)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(section: Section, output: Path) -> Iterator[str]:
    yield from (f"## {_escape(section.title)}", "")
    for part in section.parts:
        yield from _part(part, output)
        yield ""


def _part(part: Part, output: Path) -> Iterable[str]:
    if isinstance(part, str):
        return (_begin(part),)
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Figure):
        return (f"![{_escape(part.title)}](figures/{part.name}.svg)",)
    if isinstance(part, Media):
        return (_media(part, output),)
    return _listing(part)


def _media(media: Media, output: Path) -> str:
    place = quote(Path(os.path.relpath(media.path, output)).as_posix())
    sign = "!" if media.kind.startswith("image/") else ""
    return f"{sign}[{_escape(media.title)}]({place})"


def _listing(listing: Listing) -> Iterator[str]:
    """Fence lines by more backticks than any of them has."""
    longest = max(map(len, re.findall("`+", "\n".join(listing.lines))), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}bash", *listing.lines, fence)


def _table(table: Table) -> Iterator[str]:
    yield from (f"### {_escape(table.title)}", "")
    yield _row(_escape(column.title) for column in table.columns)
    yield _row("---" for _ in table.columns)
    for cells in table.rows:
        both = zip(cells, table.columns, strict=True)
        yield _row(_escape(shown(cell, column)) for cell, column in both)
    if table.note:
        yield from ("", _begin(table.note))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _begin(text: str) -> str:
    """Escape a paragraph, whose begin must not make it a list."""
    return _BEGINS.sub(r"\\\1", _escape(text), count=1)


def _escape(text: str) -> str:
    """Let a text mean itself: what Markdown or HTML reads as more gets a backslash."""
    return _LINKS.sub(r"\\\g<0>", _MEANS.sub(r"\\\1", text))
