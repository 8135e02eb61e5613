"""Read every result below a folder; what can't be read is left out, with a note."""

import os
from collections.abc import Iterator
from pathlib import Path

import attrs

from tt_bench.files import first_line
from tt_bench.pages.words import plain
from tt_bench.results import RunResult, load_result

_RESULTS = "results"  # the folder's name in a dataset's
LARGEST = 64 * 2**20
"""Bytes of a file that is read; a result of a million episodes has less."""

FARTHEST = 1e15
"""From 0 that a number is believed, and drawn."""

_DEEPEST = 20  # mappings within mappings


@attrs.frozen
class Found:
    """A result, and the folder of its dataset's runs."""

    result: RunResult
    folder: Path


@attrs.frozen
class Collected:
    """What there is to report on, and notes on what was left out."""

    found: tuple[Found, ...]
    notes: tuple[str, ...]


def collect(folder: Path) -> Collected:
    """Read the results in a folder: that of all runs, of a dataset, or of results.

    Raises:
        ValueError: the folder is none, or has no result that can be read.
    """
    if not folder.is_dir():
        raise ValueError(
            f"expected a folder with results of runs, found none: {folder}"
        )
    found, notes = [], []
    for path in sorted(json_files(folder, _RESULTS)):
        try:
            found.append(Found(_read(path), path.parent.parent))
        except (ValueError, OSError) as error:
            notes.append(f"left out: {plain(first_line(error))}")
    if not found:
        raise ValueError(_nothing(folder, notes))
    return Collected(tuple(found), tuple(notes))


def json_files(folder: Path, kind: str) -> Iterator[Path]:
    """Yield those in folders of a name below a folder; links are not followed."""
    for place, _, names in os.walk(folder.absolute()):
        if Path(place).name == kind:
            for name in names:
                path = Path(place, name)
                if name.endswith(".json") and path.is_file() and not path.is_symlink():
                    yield path


def _read(path: Path) -> RunResult:
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path}: {size:,} bytes, more than a result has")
    result = load_result(path)
    if max(map(abs, _numbers(result))) > FARTHEST:
        raise ValueError(f"{path}: numbers beyond {FARTHEST:g}, which nothing has")
    if _too_deep((result.settings, result.dataset, result.environment, result.machine)):
        raise ValueError(f"{path}: entries deeper than {_DEEPEST} mappings")
    return result


def _numbers(result: RunResult) -> Iterator[float]:
    """Yield every number that is reckoned with."""
    yield from (*result.returns, *(result.scores or ()), *(result.reference or ()))
    yield from (*result.lengths, *result.budget.values(), *result.seconds.values())
    yield from (result.seed, *(result.dataset[n] for n in ("transitions", "episodes")))


def _too_deep(entries: object) -> bool:
    """Say whether entries are nested deeper than any that are written."""
    level = [entries]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
    return bool(level)


def _inside(entry: object) -> list[object]:
    if isinstance(entry, dict):
        return list(entry.values())
    return list(entry) if isinstance(entry, list | tuple) else []


def _nothing(folder: Path, notes: list[str]) -> str:
    why = f"; the first of {len(notes)} {notes[0]}" if notes else ""
    return (
        f"expected finished runs in {folder}, as `tt-bench d4rl` leaves them in its "
        f"--output folder, found none{why}"
    )
