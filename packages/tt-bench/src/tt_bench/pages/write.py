"""Write a report in every format, each file whole or not at all."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from tt_bench.files import first_line, written_whole
from tt_bench.pages.build import build
from tt_bench.pages.collected import Collected, collect
from tt_bench.pages.comma_separated import comma_separated
from tt_bench.pages.document import Document
from tt_bench.pages.episodes import Allowance
from tt_bench.pages.latex import latex
from tt_bench.pages.markdown import markdown
from tt_bench.pages.page import page
from tt_bench.pages.studies import has_studies, with_studies
from tt_bench.pages.words import plain

_MEGABYTE = 2**20
_PICTURES = 2 * _MEGABYTE  # of a page, before they are written as text


def write_report(folder: Path, output: Path, *, video_megabytes: float = 50) -> Path:
    """Write the report of all results below a folder, and return its page.

    Nothing is trained or played. There are `report.html`, `report.md`, `report.tex`,
    and folders of CSV files, one a table, and of figures.

    Args:
        folder: with results, as `tt-bench d4rl` leaves them.
        output: folder to write to, which is made.
        video_megabytes: that videos may take of the page; others are named.

    Raises:
        ValueError: there is no result that can be read, and no study.
    """
    videos = int(video_megabytes * _MEGABYTE)
    words = ("tt-bench", "report", plain(folder), "--output", plain(output))
    allowance = Allowance(_PICTURES, videos)
    document = build(_collect(folder), shlex.join(words), allowance)
    document = with_studies(document, folder, allowance)
    for name, content in _files(document, output).items():
        with written_whole(output / name) as partial:
            partial.write_bytes(content)
    return output / "report.html"


def _collect(folder: Path) -> Collected:
    """Read the results; a folder may have studies alone."""
    try:
        return collect(folder)
    except ValueError as error:
        if not has_studies(folder):
            raise
        return Collected((), (plain(first_line(error)),))


def _files(document: Document, output: Path) -> Mapping[str, bytes]:
    """Return what is written, by name; the page last, which names nothing else."""
    figures = {f"figures/{each.name}.svg": each.svg for each in document.figures}
    tables = {f"csv/{t.name}.csv": comma_separated(t).encode() for t in document.tables}
    texts = {
        "report.md": markdown(document, output),
        "report.tex": latex(document),
        "report.html": page(document),
    }
    return figures | tables | {name: text.encode() for name, text in texts.items()}
