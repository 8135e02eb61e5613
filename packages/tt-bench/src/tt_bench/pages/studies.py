"""What studies found, beside the results: their numbers and their pictures."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tt_bench.files import first_line, read_json
from tt_bench.pages.collected import FARTHEST, LARGEST, json_files
from tt_bench.pages.document import Column, Document, Media, Part, Section, Table
from tt_bench.pages.episodes import PNG, Allowance, kind_of
from tt_bench.pages.scores import INTERVALS, spread
from tt_bench.pages.words import flat, number, plain
from tt_bench.results import estimate, mean_of_tasks

_FOLDER = "studies"  # in a dataset's
_ONE_SEED = re.compile(r"-seed\d+-[0-9a-f]{8}$")  # of a file that is a part of a study
_MOST = 100  # rows, and seeds that are shown of a row
_COLUMNS = (Column("number"), Column("mean", 3), Column("seeds", 0), Column("of each"))


def with_studies(document: Document, folder: Path, allowance: Allowance) -> Document:
    """Add a section for each study below a folder, before the last section.

    What can't be read is left out, with a note.
    """
    found = [
        _section(path, count, allowance)
        for count, path in enumerate(sorted(_files(folder)), 1)
    ]
    *before, last = document.sections
    return document._replace(sections=(*before, *found, last))


def has_studies(folder: Path) -> bool:
    """Say whether there is a study below a folder."""
    return next(_files(folder), None) is not None


def _files(folder: Path) -> Iterator[Path]:
    """Yield the whole studies below a folder."""
    paths = json_files(folder, _FOLDER)
    return (path for path in paths if not _ONE_SEED.search(path.stem))


def _section(path: Path, count: int, allowance: Allowance) -> Section:
    dataset = path.parents[1].name
    parts: list[Part] = []
    try:
        parts.append(_tabulate(_read(path), path.stem, count))
    except (ValueError, OSError) as error:
        parts.append(f"left out: {plain(first_line(error))}")
    parts += _picture(path.with_suffix(".png"), allowance)
    return Section(plain(f"Study of {path.stem}: {dataset}"), tuple(parts))


def _read(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path}: {size:,} bytes, more than a study has")
    found = read_json(path)
    found.pop("seeds", None)  # curves and maps, which the picture shows
    return found


def _tabulate(found: dict[str, Any], study: str, count: int) -> Table:
    rows = []
    for name, value in list(flat(found).items())[:_MOST]:
        seeds = value if isinstance(value, list) else [value]
        if seeds and all(map(_is_number, seeds)):
            each = ", ".join(number(one, 3) for one in seeds[:_MOST])
            mean = spread(estimate(mean_of_tasks, [[seeds]]))  # over the seeds
            rows.append((plain(name), mean, float(len(seeds)), plain(each)))
    title = plain(f"Numbers of the study {study}")
    return Table(f"study-{count}", title, _COLUMNS, tuple(rows), INTERVALS)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) <= FARTHEST


def _picture(path: Path, allowance: Allowance) -> list[Part]:
    if not path.is_file() or path.is_symlink():
        return []
    if kind_of(path) != PNG:
        return [f"not a PNG: {plain(path)}"]
    if not allowance.take(PNG, path.stat().st_size):
        return [f"not on the page, for its size: {plain(path)}"]
    return [Media(plain(path.name), PNG, path.read_bytes(), path)]
