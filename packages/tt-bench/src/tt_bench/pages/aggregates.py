"""All datasets together: interquartile means, profiles and who beats whom."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tt_bench.pages.boards import Board
from tt_bench.pages.document import Cell, Column, Table
from tt_bench.pages.scores import FEWER, INTERVALS, is_trained, spread, too_few
from tt_bench.pages.words import counted
from tt_bench.results import (
    Episodes,
    Estimate,
    estimate,
    interquartile_mean,
    mean_of_tasks,
    median_of_tasks,
    performance_profile,
    probability_of_improvement,
)

STATISTICS = {
    "interquartile mean": interquartile_mean,
    "median": median_of_tasks,
    "mean": mean_of_tasks,
}
_THRESHOLDS = 101


class Suite(NamedTuple):
    """What methods came to on the same datasets.

    Attributes:
        boards: those with scores.
        methods: numbers of the episodes, by task and run; as many runs of every task.
        notes: what was left out of them.
    """

    boards: tuple[Board, ...]
    methods: Mapping[str, Episodes]
    notes: tuple[str, ...]


def gather(boards: Sequence[Board]) -> Suite:
    """Take the methods that were run on every dataset that has scores."""
    scored = tuple(board for board in boards if board.unit == "score")
    names = dict.fromkeys(v.method for board in scored for v in board.variants)
    methods: dict[str, Episodes] = {}
    notes = []
    for name in names:
        found = [board.main(name) for board in scored]
        variants = [variant for variant in found if variant is not None]
        label = variants[0].label.partition(" #")[0]
        if len(variants) < len(scored):
            notes.append(f"{label}: on {len(variants)} of {len(scored)} datasets only.")
            continue
        runs = min(len(variant.runs) for variant in variants)
        most = max(len(variant.runs) for variant in variants)
        if runs < most:
            notes.append(
                f"{label}: {runs} runs of each dataset, where some have {most}."
            )
        methods[label] = [variant.numbers[:runs] for variant in variants]
    return Suite(scored, methods, tuple(notes))


def estimate_each(suite: Suite) -> dict[str, dict[str, Estimate]]:
    """Estimate every statistic of every method: by method, then by statistic."""
    return {
        method: {name: estimate(of, runs) for name, of in STATISTICS.items()}
        for method, runs in suite.methods.items()
    }


def tabulate_suite(
    suite: Suite, estimates: Mapping[str, Mapping[str, Estimate]]
) -> Table:
    """Lay out the statistics of each method over all datasets."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (method, *(spread(found[name]) for name in STATISTICS), _size(suite, method))
        for method, found in estimates.items()
    )
    columns = ("method", *STATISTICS, "datasets x runs")
    note = (
        f"Scores of {counted(len(suite.boards), 'dataset')}; the statistics are those "
        f"of rliable (arXiv 2108.13264). {INTERVALS}"
    )
    few = {n: len(runs[0]) for n, runs in suite.methods.items() if is_trained(n)}
    titles = tuple(map(Column, columns))
    return Table(
        "all",
        "All datasets together",
        titles,
        rows,
        _with(note, too_few(few), *suite.notes),
    )


def _size(suite: Suite, method: str) -> str:
    runs = suite.methods[method]
    return f"{len(runs)} x {len(runs[0])}"


def _with(*notes: str) -> str:
    return " ".join(filter(None, notes))


def tabulate_improvement(suite: Suite) -> Table:
    """Lay out how probably a run of each row's method beats one of each column's."""
    names = list(suite.methods)
    columns = (Column("method"), *(Column(f"over {name}", 2) for name in names))
    rows = tuple(
        (one, *(_beats(suite, one, other) for other in names)) for one in names
    )
    note = (
        "Probability that a run of the method in the row scores more than one of that "
        "in the column on the same dataset, a draw counting half; the mean over "
        f"datasets. {INTERVALS} One run has none: what beats it is yes or no."
    )
    return Table("improvement", "Probability of improvement", columns, rows, note)


def _beats(suite: Suite, one: str, other: str) -> Cell:
    if one == other:
        return None
    both = suite.methods[one], suite.methods[other]
    found = spread(estimate(probability_of_improvement, *both, replicates=FEWER))
    single = any(len(runs[0]) == 1 for runs in both)
    return found._replace(low=math.nan, high=math.nan) if single else found


def profiles(suite: Suite) -> tuple[NDArray[np.float64], dict[str, Estimate]]:
    """Return thresholds [K], and the share of each method's runs above them."""
    scores = [
        float(np.mean(run))
        for m in suite.methods.values()
        for task in m
        for run in task
    ]
    thresholds = np.linspace(min(0.0, *scores), max(100.0, *scores), _THRESHOLDS)

    def profile(runs: NDArray[np.float64]) -> NDArray[np.float64]:
        return performance_profile(runs, thresholds)

    return thresholds, {
        method: estimate(profile, runs, replicates=FEWER)
        for method, runs in suite.methods.items()
    }
