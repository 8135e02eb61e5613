"""What each result was made with: data, settings, versions and machines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tt_bench.pages.boards import Board
from tt_bench.pages.document import Column, Table
from tt_bench.pages.words import flat, plain, setting
from tt_bench.results import RunResult

_MOST = 1_000  # rows of what no method has as many of


def describe_data(board: Board) -> str:
    """Say what was learned from, and where it was played."""
    data = board.first.dataset
    return (
        f"Data {plain(data['name'])}: {data['transitions']:,} transitions in "
        f"{data['episodes']:,} episodes, fingerprint "
        f"{plain(data.get('fingerprint', 'not known'), 40)}; from "
        f"{plain(data['source'])}. Environment {plain(board.first.environment['id'])}."
    )


def tabulate_settings(board: Board, number: int) -> Table:
    """Lay out every setting, a row each, by the variants that depend on it."""
    settings = [flat(variant.settings) for variant in board.variants]
    names = sorted(set().union(*settings))[:_MOST]
    rows = tuple(
        (
            plain(name, 80),
            *(setting(each[name]) if name in each else None for each in settings),
        )
        for name in names
    )
    columns = ("setting", *(variant.label for variant in board.variants))
    titles = tuple(map(Column, columns))
    note = "The seed is in the table of runs; - stands where nothing depends on it."
    title = f"Settings: {board.title}"
    return Table(f"settings-{number}", title, titles, rows, note, folded=True)


def tabulate_differences(board: Board, number: int) -> Table | None:
    """Lay out in which settings the variants of a method differ, if it has several."""
    rows = tuple(_differences(board))
    title = f"Variants: {board.title}"
    columns = (Column("variant"), Column("settings that tell it from the others"))
    return Table(f"variants-{number}", title, columns, rows) if rows else None


def _differences(board: Board) -> Iterator[tuple[str, str]]:
    methods = dict.fromkeys(variant.method for variant in board.variants)
    for method in methods:
        variants = [v for v in board.variants if v.method == method]
        settings = [flat(variant.settings) for variant in variants]
        names = sorted(set().union(*settings))
        odd = [
            name for name in names if len({_of(each, name) for each in settings}) > 1
        ]
        for variant, each in zip(variants, settings, strict=True):
            values = (f"{plain(name, 80)} {_of(each, name)}" for name in odd)
            if odd:
                yield variant.label, ", ".join(values)


def _of(settings: Mapping[str, Any], name: str) -> str:
    return setting(settings[name]) if name in settings else "-"


def tabulate_versions(boards: Sequence[Board]) -> Table:
    """Lay out the versions and machines that there were, and how many runs had each."""
    runs = [run for board in boards for v in board.variants for run in v.runs]
    kinds: dict[tuple[tuple[str, str], ...], int] = {}
    for run in runs:
        made_with = tuple(_made_with(run).items())
        kinds[made_with] = kinds.get(made_with, 0) + 1
    names = list(dict.fromkeys(name for kind in kinds for name, _ in kind))[:_MOST]
    rows = tuple((name, *(dict(kind).get(name) for kind in kinds)) for name in names)
    columns = ("", *(f"{count} of {len(runs)} runs" for count in kinds.values()))
    titles = tuple(map(Column, columns))
    return Table("versions", "Versions and machines", titles, rows)


def _made_with(run: RunResult) -> dict[str, str]:
    versions = {plain(name, 40): plain(run.versions[name], 60) for name in run.versions}
    machine = {f"machine: {plain(k, 40)}": setting(v) for k, v in run.machine.items()}
    return dict(sorted(versions.items())) | dict(sorted(machine.items()))
