"""The mean and the standard error of the runs of each method."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tt_bench.results.result import RunResult


class Row(NamedTuple):
    """What the runs of one method come to.

    Attributes:
        method: its name.
        mean: mean over the runs of each run's mean, in `unit`.
        error: standard error of that mean; NaN where there is a single number.
        over: what the error is over: "3 seeds", or "20 episodes" of a single run.
        runs: number of runs.
        episodes: episodes of each run.
        returned: mean raw return.
        success: share of episodes that succeeded, None where not known.
        steps: gradient steps of a training.
        updates: of a critic trained besides.
        minutes: minutes of a training, mean over runs.
        wall: minutes of training and evaluation, mean over runs.
    """

    method: str
    mean: float
    error: float
    over: str
    runs: int
    episodes: int
    returned: float
    success: float | None
    steps: int
    updates: int
    minutes: float
    wall: float


def summarise(results: Sequence[RunResult]) -> Row:
    """Average the runs of one method: scores, or raw returns where there are none.

    Raises:
        ValueError: there is no run.
    """
    check_some(results)
    runs = [result.scores or result.returns for result in results]
    means = [float(np.mean(run)) for run in runs]
    several = len(runs) > 1
    sample = means if several else runs[0]
    successes = [s for result in results for s in result.successes or ()]
    return Row(
        method=results[0].method,
        mean=float(np.mean(means)),
        error=_standard_error(sample),
        over=f"{len(sample)} {'seeds' if several else 'episodes'}",
        runs=len(runs),
        episodes=len(runs[0]),
        returned=float(np.mean([np.mean(result.returns) for result in results])),
        success=float(np.mean(successes)) if successes else None,
        steps=int(results[0].budget["steps"]),
        updates=_updates(results[0]),
        minutes=float(np.mean([result.budget["minutes"] for result in results])),
        wall=float(np.mean([_wall(result) for result in results])),
    )


def check_some(results: Sequence[RunResult]) -> None:
    """Refuse to report on nothing.

    Raises:
        ValueError: there is no run.
    """
    if len(results) == 0:
        raise ValueError("expected at least one finished run to report, got none")


def summarise_each(results: Sequence[RunResult]) -> list[Row]:
    """Average the runs of each method, in the order given."""
    by_method: dict[str, list[RunResult]] = {}
    for result in results:
        by_method.setdefault(result.method, []).append(result)
    return [summarise(runs) for runs in by_method.values()]


def _updates(result: RunResult) -> int:
    """Return the updates of the critic of a method that has a transformer as well."""
    settings = result.settings
    both = "training" in settings and "critic" in settings
    return int(settings["critic"]["steps"]) if both else 0


def _standard_error(sample: Sequence[float]) -> float:
    if len(sample) < 2:
        return math.nan
    return float(np.std(sample, ddof=1)) / math.sqrt(len(sample))


def _wall(result: RunResult) -> float:
    seconds = result.seconds
    return (seconds.get("train", 0.0) + seconds.get("evaluate", 0.0)) / 60
