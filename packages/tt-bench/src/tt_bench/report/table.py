"""The table of a comparison: mean and standard error of each method, side by side."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from tt_bench.report.comparison import print_published
from tt_bench.results import (
    Estimate,
    Row,
    RunResult,
    check_some,
    estimate,
    interquartile_mean,
    mean_of_tasks,
    summarise,
    summarise_each,
)

_ERRORS = (
    "+- is the standard error of the mean: over the runs, one a training seed, or over "
    "the episodes where there is one run."
)
_INTERVALS = (
    f"{_ERRORS} Of all datasets, each run counting once: interquartile mean (IQM) and "
    "mean, with bootstrap intervals of 95 %, stratified by dataset."
)
_TRAINING = "trained: steps, min"
_CAPTION = f"{_ERRORS} minutes: wall time of a run, training included."


def _training(row: Row) -> str:
    besides = f" + {row.updates:,}" if row.updates else ""
    return f"{row.steps:,}{besides}, {row.minutes:.1f}" if row.steps else "-"


def _mean(row: Row) -> str:
    error = "" if math.isnan(row.error) else f" +- {row.error:.1f}"
    return f"{row.mean:.1f}{error}"


def tabulate(
    results: Sequence[RunResult], references: Mapping[str, str] | None = None
) -> Table:
    """Lay out one row a method, in the order given.

    Args:
        results: finished runs on one dataset and environment.
        references: what is known from elsewhere, a text by method.
    """
    check_some(results)
    scored = results[0].scores is not None
    table = _empty("score" if scored else "return", any(r.successes for r in results))
    for row in summarise_each(results):
        _add(table, row, references or {})
    if results[0].reference is not None:
        table.add_section()
        _add_anchors(table, results[0].reference)
    return table


def print_suite(console: Console, suite: Sequence[Sequence[RunResult]]) -> None:
    """Print the means of every method on every dataset, and their averages."""
    console.print(tabulate_suite(suite), highlight=False)


def tabulate_suite(suite: Sequence[Sequence[RunResult]]) -> Table:
    """Lay out methods by datasets, and what they come to on all together.

    Args:
        suite: the finished runs on each dataset, of the same methods.
    """
    table = Table(box=box.ASCII2, caption=_INTERVALS, caption_justify="left")
    table.add_column("method", no_wrap=True)
    for results in suite:
        table.add_column(results[0].dataset["name"], justify="right")
    table.add_column("IQM", justify="right")
    table.add_column("average", justify="right")
    for method in dict.fromkeys(result.method for result in suite[0]):
        runs = [[r for r in results if r.method == method] for results in suite]
        means = [_mean(summarise(each)) for each in runs]
        table.add_row(method, *means, *_over_all(runs))
    return table


def _over_all(runs: Sequence[Sequence[RunResult]]) -> list[str]:
    """Say what the runs of a method on each dataset come to together."""
    episodes = [[run.scores or run.returns for run in each] for each in runs]
    both = (estimate(of, episodes) for of in (interquartile_mean, mean_of_tasks))
    return list(map(_with_interval, both))


def _with_interval(found: Estimate) -> str:
    if np.isnan(found.low):
        return f"{found.value:.1f}, no interval"
    return f"{found.value:.1f} [{found.low:.1f}, {found.high:.1f}]"


def _empty(unit: str, success: bool) -> Table:
    table = Table(box=box.ASCII2, caption=_CAPTION, caption_justify="left")
    table.add_column("method", no_wrap=True)
    table.add_column(unit, justify="right", no_wrap=True)
    table.add_column("runs x episodes", justify="right")
    table.add_column("raw return", justify="right")
    if success:
        table.add_column("success", justify="right")
    table.add_column("reference", justify="right")
    table.add_column(_TRAINING, justify="right", no_wrap=True)
    table.add_column("minutes", justify="right")
    return table


def _add(table: Table, row: Row, references: Mapping[str, str]) -> None:
    cells = {
        "method": row.method,
        "runs x episodes": f"{row.runs} x {row.episodes}",
        "raw return": f"{row.returned:.1f}",
        "success": "-" if row.success is None else f"{100 * row.success:.0f} %",
        "reference": references.get(row.method, "-"),
        _TRAINING: _training(row),
        "minutes": f"{row.wall:.1f}",
    }
    table.add_row(*(cells.get(str(c.header), _mean(row)) for c in table.columns))


def _add_anchors(table: Table, reference: Sequence[float]) -> None:
    for name, score, value in zip(
        ("random policy", "expert"), ("0", "100"), reference, strict=True
    ):
        cells = {
            "method": name,
            "score": score,
            "raw return": f"{value:.1f}",
            "reference": "definition",
        }
        table.add_row(*(cells.get(str(c.header), "") for c in table.columns))


def print_report(
    console: Console,
    results: Sequence[RunResult],
    references: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Print what was compared on what, the table, notes, and published scores.

    Args:
        console: where to.
        results: finished runs on one dataset and environment.
        references: what is known from elsewhere, a text by method.
        names: under which methods of ours are published.

    Raises:
        ValueError: there is no run.
    """
    check_some(results)
    first = results[0]
    data = first.dataset
    console.print(
        f"environment {first.environment['id']}, dataset {data['name']}: "
        f"{data['transitions']:,} transitions in {data['episodes']:,} episodes",
        soft_wrap=True,
        highlight=False,
    )
    console.print(f"from {data['source']}", soft_wrap=True, highlight=False)
    console.print(tabulate(results, references), highlight=False)
    for result in results:
        if result.note:
            console.print(f"{result.method}: {result.note}", highlight=False)
    scored = [] if first.scores is None else summarise_each(results)
    scores = {row.method: _mean(row) for row in scored}
    print_published(console, results, scores, names or {})
