"""Interquartile means, profiles, improvement and their intervals."""

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tt_bench.results.statistics import (
    drawn_runs,
    estimate,
    interquartile_mean,
    mean_of_tasks,
    median_of_tasks,
    percentile_interval,
    performance_profile,
    probability_of_improvement,
    run_means,
)

SHAPES = [(3, 1), (3, 8), (5, 4), (2, 3), (10, 26)]


def some(shape: tuple[int, ...], seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(50, 30, shape)


def as_episodes(scores: NDArray[np.float64]) -> list[list[list[float]]]:
    return [[[score] for score in task] for task in scores.T.tolist()]


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end() -> None:
    scores = np.array([[0.0, 100.0], [4.0, 6.0], [-50.0, 5.0], [7.0, 900.0]])
    assert interquartile_mean(scores) == np.mean([4, 5, 6, 7])
    # three runs: a quarter of them is none
    assert interquartile_mean([[1.0], [2.0], [9.0]]) == 4.0
    assert interquartile_mean(np.stack([scores, scores + 1])).tolist() == [5.5, 6.5]


def test_means_and_medians_are_of_tasks() -> None:
    scores = [[0.0, 10.0, 100.0], [2.0, 20.0, 200.0]]
    assert mean_of_tasks(scores) == pytest.approx(166 / 3)
    assert median_of_tasks(scores) == 15.0


def test_a_profile_is_the_share_of_runs_above_each_threshold() -> None:
    profile = performance_profile([[1.0, 2.0], [3.0, 4.0]], [0.0, 1.0, 2.5, 4.0])
    assert profile.tolist() == [1.0, 0.75, 0.5, 0.0]


def test_improvement_counts_pairs_of_each_task_and_draws_half() -> None:
    one, other = [[1.0, 5.0], [2.0, 5.0]], [[0.0, 5.0], [1.0, 5.0], [3.0, 9.0]]
    # first task: 1 beats 0 and draws 1, 2 beats 0 and 1; second: 4 draws of 6
    assert probability_of_improvement(one, other) == pytest.approx(
        (3.5 / 6 + 2 / 6) / 2
    )
    assert probability_of_improvement(one, one) == 0.5


def test_an_interval_holds_the_statistic_and_narrows_with_runs() -> None:
    few, many = (
        estimate(interquartile_mean, as_episodes(some((runs, 4), 1)))
        for runs in (4, 64)
    )
    for each in (few, many):
        assert each.low < each.value < each.high
    assert many.high - many.low < (few.high - few.low) / 2


def test_an_interval_of_a_mean_is_that_of_its_normal_approximation() -> None:
    scores = some((40, 1), 2)
    found = estimate(mean_of_tasks, as_episodes(scores))
    half = 1.96 * scores.std() / math.sqrt(40)
    assert found.high - found.value == pytest.approx(half, rel=0.1)
    assert found.value - found.low == pytest.approx(half, rel=0.1)


def test_the_same_numbers_have_the_same_interval() -> None:
    sample = as_episodes(some((5, 3), 3))
    one, again = (estimate(interquartile_mean, sample) for _ in range(2))
    np.testing.assert_equal(one, again)


def test_tasks_are_strata() -> None:
    # runs agree on each task, tasks do not: nothing is uncertain
    found = estimate(mean_of_tasks, as_episodes(np.array([[0.0, 100.0]] * 5)))
    assert [float(number) for number in found] == [50.0, 50.0, 50.0]


def test_episodes_stand_in_for_runs_where_there_is_one_run() -> None:
    episodes = some((50,), 4).tolist()
    found = estimate(mean_of_tasks, [[episodes]])
    half = 1.96 * np.std(episodes) / math.sqrt(50)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)
    # as many that they are drawn in several shares
    found = estimate(mean_of_tasks, [[episodes * 10]], replicates=5_000)
    assert found.high - found.low == pytest.approx(2 * half / math.sqrt(10), rel=0.1)


@pytest.mark.parametrize("count", [20_000, 20_001])
def test_very_many_episodes_have_the_interval_of_the_limit(count: int) -> None:
    episodes = some((count,), 12).tolist()
    found = estimate(mean_of_tasks, [[episodes]], replicates=2_000)
    half = 1.96 * np.std(episodes) / math.sqrt(count)
    assert found.low < found.value < found.high
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)


def test_a_single_number_has_no_interval() -> None:
    found = estimate(interquartile_mean, [[[3.0]]])
    assert found.value == 3.0
    assert np.isnan([found.low, found.high]).all()


def test_an_interval_of_two_methods_draws_each_by_itself() -> None:
    one, other = as_episodes(some((4, 3), 5) + 60), as_episodes(some((6, 3), 6))
    found = estimate(probability_of_improvement, one, other)
    assert 0.5 < found.low <= found.value <= found.high <= 1.0
    assert found.low < found.high


def test_a_profile_has_an_interval_at_each_threshold() -> None:
    thresholds = np.linspace(0, 100, 11)
    sample = as_episodes(some((5, 4), 7))
    found = estimate(
        lambda scores: performance_profile(scores, thresholds), sample, replicates=500
    )
    assert found.low.shape == found.high.shape == (11,)
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()


@pytest.mark.parametrize("runs", [[], [[]], [[[1.0]], [[1.0], [2.0]]]])
def test_tasks_with_other_numbers_of_runs_are_refused(
    runs: list[list[list[float]]],
) -> None:
    with pytest.raises(ValueError, match="one number of runs"):
        run_means(runs)


@pytest.mark.parametrize("shape", SHAPES)
def test_statistics_are_those_of_rliable(shape: tuple[int, int]) -> None:
    metrics = pytest.importorskip("rliable.metrics")
    library = pytest.importorskip("rliable.library")
    scores, others = some(shape, 8), some((shape[0] + 2, shape[1]), 9).round(-1)
    rounded = scores.round(-1)
    thresholds = np.linspace(-10, 110, 37)
    profiles = library.create_performance_profile({"": scores}, thresholds, reps=2)[0]
    for ours, theirs in (
        (interquartile_mean(scores), metrics.aggregate_iqm(scores)),
        (mean_of_tasks(scores), metrics.aggregate_mean(scores)),
        (median_of_tasks(scores), metrics.aggregate_median(scores)),
        (performance_profile(scores, thresholds), profiles[""]),
        (
            probability_of_improvement(rounded, others),
            metrics.probability_of_improvement(rounded, others),
        ),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


TIMES = 300  # replicates


def intervals_of_rliable(
    scores: object, statistic: Callable[..., NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the ends of intervals [2, ...], from the draws of seed 11."""
    library = pytest.importorskip("rliable.library")
    np.random.seed(11)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own libraries
        found = library.get_interval_estimates({"": scores}, statistic, reps=TIMES)
    ends: NDArray[np.float64] = found[1][""]
    return ends


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", SHAPES)
def test_intervals_are_those_of_rliable_on_the_same_draws(
    shape: tuple[int, int], seed: int
) -> None:
    metrics = pytest.importorskip("rliable.metrics")
    library = pytest.importorskip("rliable.library")
    scores, thresholds = some(shape, seed), np.linspace(-10, 110, 13)

    def theirs(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        numbers = (metrics.aggregate_iqm, metrics.aggregate_mean)
        three = [number(drawn) for number in (*numbers, metrics.aggregate_median)]
        return np.array([*three, *library.score_distributions(drawn, thresholds)])

    expected = intervals_of_rliable(scores, theirs)
    np.random.seed(11)
    draws = [np.random.choice(len(scores), shape) for _ in range(TIMES)]
    drawn = drawn_runs(scores, np.stack(draws))
    three = [f(drawn) for f in (interquartile_mean, mean_of_tasks, median_of_tasks)]
    ours = np.column_stack([*three, performance_profile(drawn, thresholds)])
    np.testing.assert_allclose(percentile_interval(ours), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_intervals_of_improvement_are_those_of_rliable_on_the_same_draws(
    shape: tuple[int, int],
) -> None:
    metrics = pytest.importorskip("rliable.metrics")
    one, other = some(shape, 12).round(-1), some((shape[0] + 1, shape[1]), 13).round(-1)

    def theirs(*drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([metrics.probability_of_improvement(*drawn)])

    expected = intervals_of_rliable((one, other), theirs)
    np.random.seed(11)
    draws = [
        [np.random.choice(len(scores), scores.shape) for scores in (one, other)]
        for _ in range(TIMES)
    ]
    drawn = (
        drawn_runs(scores, np.stack([both[place] for both in draws]))
        for place, scores in enumerate((one, other))
    )
    ours = percentile_interval(probability_of_improvement(*drawn))
    np.testing.assert_allclose(ours, expected[:, 0], rtol=0, atol=1e-9)
