"""Results in order: by dataset and environment, by method and its settings, by seed."""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs

from tt_bench.methods import METHODS
from tt_bench.pages.collected import Found
from tt_bench.pages.words import plain
from tt_bench.results import RunResult

_Item = TypeVar("_Item")


@attrs.frozen
class Variant:
    """The runs of a method with the same settings, a seed each.

    Attributes:
        label: the method's name; with a number if it was run with other settings too.
        method: its name.
        runs: by seed.
        main: whether it stands for the method: it has the most runs, then the newest.
    """

    label: str
    method: str
    runs: tuple[RunResult, ...]
    main: bool

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that all its runs share."""
        return _shared(self.runs[0])

    @property
    def numbers(self) -> list[list[float]]:
        """Scores of each run's episodes, or returns where there are no scores."""
        return [run.scores or run.returns for run in self.runs]


@attrs.frozen
class Board:
    """What was run on a dataset in an environment.

    Attributes:
        title: of both, told from those of all other boards.
        variants: in the order of the table of methods.
        folders: where the runs were found.
    """

    title: str
    variants: tuple[Variant, ...]
    folders: tuple[Path, ...]

    @property
    def first(self) -> RunResult:
        """A result, for what all have: data, environment, references."""
        return self.variants[0].runs[0]

    @property
    def unit(self) -> str:
        """What its numbers are: "score" or "return"."""
        return "return" if self.first.scores is None else "score"

    def main(self, method: str) -> Variant | None:
        """Return what stands for a method here, if it was run."""
        return next((v for v in self.variants if v.main and v.method == method), None)


def make_boards(found: Sequence[Found]) -> list[Board]:
    """Put results in order; of several of one seed the newest counts."""
    groups = _grouped(found, lambda each: _board_key(each.result))
    names = [_name(group[0].result) for group in groups]
    return [
        Board(
            _title(group[0].result, shared=names.count(name) > 1),
            tuple(_variants([each.result for each in group])),
            tuple(dict.fromkeys(each.folder for each in group)),
        )
        for group, name in zip(groups, names, strict=True)
    ]


def _board_key(result: RunResult) -> Hashable:
    identity = (result.dataset.get("fingerprint"), result.dataset["transitions"])
    scale = result.reference and tuple(result.reference)
    return (_name(result), json.dumps(identity), scale, result.scores is None)


def _name(result: RunResult) -> tuple[str, str]:
    return result.dataset["name"], str(result.environment["id"])


def _title(result: RunResult, *, shared: bool) -> str:
    data, environment = map(plain, _name(result))
    which = f" ({plain(result.dataset.get('fingerprint', '?'), 20)})" if shared else ""
    return f"{data}{which} in {environment}"


def _variants(results: Sequence[RunResult]) -> list[Variant]:
    made = []
    by_method = _grouped(results, lambda result: result.method)
    for group in sorted(by_method, key=lambda group: _place(group[0].method)):
        kinds = _grouped(group, lambda result: _key(_shared(result)))
        runs = [_one_each(kind) for kind in kinds]
        runs.sort(key=lambda kind: (len(kind), max(r.finished for r in kind)))
        for number, kind in enumerate(reversed(runs), 1):
            name = plain(kind[0].method, 60)
            label = f"{name} #{number}" if len(runs) > 1 else name
            made.append(Variant(label, kind[0].method, tuple(kind), number == 1))
    return made


def _place(method: str) -> tuple[int, str]:
    known = list(METHODS)
    return (known.index(method) if method in known else len(known), method)


def _shared(result: RunResult) -> dict[str, Any]:
    """Return the settings without the seed, with how it was evaluated."""
    return {name: value for name, value in result.settings.items() if name != "seed"}


def _key(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)


def _one_each(results: Sequence[RunResult]) -> list[RunResult]:
    """Keep the newest result of each seed, by seed."""
    newest = {r.seed: r for r in sorted(results, key=lambda r: r.finished)}
    return [newest[seed] for seed in sorted(newest)]


def _grouped(
    items: Iterable[_Item], key: Callable[[_Item], Hashable]
) -> list[list[_Item]]:
    groups: dict[Hashable, list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())
