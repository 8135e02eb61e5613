"""Statistics of few runs on several tasks, with intervals (arXiv 2108.13264).

The definitions are those of the `rliable` package. A run's number is the mean over its
episodes. Axes: R replicates of a bootstrap, S runs (training seeds), T tasks, K
thresholds; leading axes `...` are kept.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
Episodes: TypeAlias = Sequence[Sequence[Sequence[float]]]
"""Numbers of episodes, by task and run: as many runs of every task."""

REPLICATES = 10_000
COVERAGE = 0.95
_AT_ONCE = 2_000_000  # draws held in memory
_VERY_MANY = 20_000  # episodes
_QUARTER = 0.25


class Estimate(NamedTuple):
    """A statistic and the ends of its interval, of one shape; NaN where not known."""

    value: Array
    low: Array
    high: Array


def mean_of_tasks(scores: ArrayLike) -> Array:
    """Average runs, then tasks: [..., S, T] -> [...]."""
    return np.asarray(np.mean(_floats(scores), axis=(-2, -1)))


def median_of_tasks(scores: ArrayLike) -> Array:
    """Take the median over tasks of the mean over runs: [..., S, T] -> [...]."""
    return np.asarray(np.median(np.mean(_floats(scores), axis=-2), axis=-1))


def interquartile_mean(scores: ArrayLike) -> Array:
    """Average the middle half of all runs on all tasks: [..., S, T] -> [...]."""
    flat = _floats(scores)
    flat = np.sort(flat.reshape(*flat.shape[:-2], -1), axis=-1)
    cut = int(_QUARTER * flat.shape[-1])
    return np.asarray(np.mean(flat[..., cut : flat.shape[-1] - cut], axis=-1))


def performance_profile(scores: ArrayLike, thresholds: ArrayLike) -> Array:
    """Return the share of runs above each threshold: [..., S, T], [K] -> [..., K]."""
    above = _floats(scores)[..., None] > _floats(thresholds)
    return np.asarray(np.mean(above, axis=(-3, -2)))


def probability_of_improvement(scores: ArrayLike, others: ArrayLike) -> Array:
    """Return how probably a run beats one of others on the same task, taken at random.

    The Mann-Whitney U statistic of each task over the number of pairs, averaged; a draw
    counts half: [..., S, T], [..., Z, T] -> [...].
    """
    one, other = _floats(scores)[..., :, None, :], _floats(others)[..., None, :, :]
    wins = (one > other) + 0.5 * (one == other)
    return np.asarray(np.mean(wins, axis=(-3, -2, -1)))


def run_means(episodes: Episodes) -> Array:
    """Average the episodes of each run: [S, T].

    Raises:
        ValueError: there is no task, or not as many runs of every task, one at least.
    """
    counts = {len(runs) for runs in episodes}
    if len(counts) != 1 or 0 in counts:
        raise ValueError(
            "expected tasks with one number of runs, one at least, got "
            f"{[len(runs) for runs in episodes]} runs: leave some out"
        )
    means = [[float(np.mean(run)) for run in runs] for runs in episodes]
    return np.array(means, np.float64).T


def estimate(
    statistic: Callable[..., Array],
    *samples: Episodes,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Estimate:
    """Estimate a statistic of one method, or of several, with a bootstrap interval.

    It is the percentile interval of 95 %, stratified: the runs of each task are drawn
    anew with replacement, those of each method by themselves. Where there is a single
    run a task, its episodes are drawn in place of runs.

    Args:
        statistic: of one [..., S, T] a method.
        samples: what each method came to, by task and run.
        replicates: times that everything is drawn.
        seed: of the draws; the same samples have the same interval.

    Raises:
        ValueError: a method has other numbers of runs on some tasks.
    """
    generator = np.random.default_rng(seed)
    value = statistic(*map(run_means, samples))
    if all(is_single(sample) for sample in samples):
        return Estimate(value, *np.full((2, *value.shape), np.nan))
    drawn = [_replicate(sample, replicates, generator) for sample in samples]
    return Estimate(value, *percentile_interval(statistic(*drawn)))


def is_single(sample: Episodes) -> bool:
    """Say whether a sample is a single number a task, whose spread nobody knows."""
    return all(len(runs) == 1 and len(runs[0]) == 1 for runs in sample)


def percentile_interval(replicates: Array) -> Array:
    """Return the ends of the interval of a statistic: [R, ...] -> [2, ...]."""
    tail = 100 * (1 - COVERAGE) / 2
    return np.percentile(replicates, [tail, 100 - tail], axis=0)


def drawn_runs(scores: Array, indices: NDArray[np.intp]) -> Array:
    """Take runs [R, S, T] of each task out of scores [S, T]."""
    return np.take_along_axis(scores[None], indices, axis=1)


def _replicate(sample: Episodes, replicates: int, draws: np.random.Generator) -> Array:
    """Draw what a method might have come to: [R, S, T]."""
    means = run_means(sample)
    if len(means) > 1:
        return drawn_runs(
            means, draws.integers(len(means), size=(replicates, *means.shape))
        )
    tasks = [_replicate_mean(runs[0], replicates, draws) for runs in sample]
    return np.stack(tasks, axis=-1)[:, None, :]


def _replicate_mean(
    episodes: Sequence[float], replicates: int, draws: np.random.Generator
) -> Array:
    """Average episodes that are drawn anew, [R], some replicates at a time.

    Of very many the mean is drawn as the normal number that it is in the limit.
    """
    numbers = _floats(episodes)
    if len(numbers) > _VERY_MANY:
        mean, error = numbers.mean(), numbers.std() / math.sqrt(len(numbers))
        return draws.normal(mean, error, replicates)
    share = max(1, _AT_ONCE // len(numbers))
    means = []
    for begin in range(0, replicates, share):
        size = min(share, replicates - begin), len(numbers)
        means.append(numbers[draws.integers(len(numbers), size=size)].mean(axis=1))
    return np.concatenate(means)


def _floats(numbers: ArrayLike) -> Array:
    return np.asarray(numbers, np.float64)
