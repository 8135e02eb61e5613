"""What imitators reach of the data's return, by hand."""

import attrs
import numpy as np
from bench.made_results import made

from tt_bench.cli.study import _STUDIES
from tt_bench.data.episodes import Episodes
from tt_bench.methods.settings import Recipe
from tt_bench.results.result import RunResult
from tt_bench.studies.imitation import by_likelihood, compare_imitators, imitating


def result(method: str, seed: int, returns: list[float]) -> RunResult:
    return made(method, seed, None, returns=returns)


def test_returns_are_relative_to_the_mean_of_the_datas() -> None:
    episodes = Episodes(
        observations=np.zeros((4, 1)),
        actions=np.zeros((4, 1)),
        rewards=np.array([10.0, 20.0, 30.0, 20.0]),
        ends=np.array([2, 4]),
        terminated=np.array([False, False]),
        final_observations=np.zeros((2, 1)),
    )
    results = [
        result("bc", 0, [20.0, 40.0]),
        result("tt", 0, [40.0, 44.0]),
        result("tt", 1, [36.0, 36.0]),
    ]
    found = compare_imitators(results, episodes)
    assert found["behaviour"] == 40.0
    assert found["relative"]["bc"] == [0.75]
    np.testing.assert_allclose(found["relative"]["tt"], [1.05, 0.9])


def test_imitating_changes_the_search_alone_and_smooths_it() -> None:
    recipe = Recipe()
    planner = attrs.evolve(recipe.planner, search="likelihood", smoothing=0.05)
    assert imitating(recipe) == attrs.evolve(recipe, planner=planner)
    own = attrs.evolve(recipe.planner, smoothing=0.2)
    chosen = imitating(attrs.evolve(recipe, planner=own)).planner.smoothing
    assert chosen == 0.2


def test_goals_are_searched_by_likelihood_and_nothing_is_smoothed() -> None:
    """Wandering data turns either way: between two likely actions lies neither."""
    recipe = Recipe()
    planner = attrs.evolve(recipe.planner, search="likelihood")
    assert by_likelihood(recipe) == attrs.evolve(recipe, planner=planner)
    assert planner.smoothing is None
    adapted = {name: kind.adapt for name, kind in _STUDIES.items() if kind.adapt}
    assert adapted == {"imitation": imitating, "goals": by_likelihood}
