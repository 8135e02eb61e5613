from functools import partial

import attrs
import gymnasium as gym
import numpy as np
import pytest

from tt_bench.data.dataset import Dataset
from tt_bench.data.episodes import Episodes
from tt_bench.methods.costs import critic_operations, token_operations
from tt_bench.methods.settings import ModelSettings, Recipe, TokenizerSettings
from tt_bench.runs.estimate import estimate_seconds
from tt_bench.runs.run_config import Run
from tt_bench.speed.machine import matmul_peak


def dataset() -> Dataset:
    episodes = Episodes(
        observations=np.zeros((4, 3)),
        actions=np.zeros((4, 2)),
        rewards=np.zeros(4),
        ends=np.array([4]),
        terminated=np.array([False]),
        final_observations=np.zeros((1, 3)),
    )

    make_env = partial(gym.make, "Pendulum-v1")
    return Dataset("made", episodes, None, make_env, None, "nowhere")


def seconds(
    runs: list[Run],
    untrained: list[str] | None = None,
    recipe: Recipe | None = None,
    peak: float = 1e11,
) -> float:
    return estimate_seconds(
        dataset().episodes,
        recipe or Recipe(),
        runs,
        untrained or [],
        episodes=2,
        steps=10,
        peak=peak,
    )


def test_operations_of_a_token_are_counted_by_hand() -> None:
    # one layer of width 2: 3*2*2 + 2*2 of attention, 2*2*8 of the perceptron,
    # and a head of 5 + 1 rows: 12 * 4 + 12 weights, two operations each
    recipe = Recipe(
        model=ModelSettings(layers=1, width=2), tokenizer=TokenizerSettings(bins=5)
    )
    assert token_operations(recipe) == 2 * (12 * 4 + 12)


def test_an_update_of_the_critic_is_counted_by_hand() -> None:
    # weights of a Q: (3 + 2) x 8 + 8 x 8 + 8 x 1, of V: 3 x 8 + 8 x 8 + 8 x 1, of the
    # policy: 3 x 8 + 8 x 8 + 8 x 2; three passes of those that learn, one of targets
    learnt, evaluated = 2 * 112 + 96 + 104, 2 * 112 + 96
    assert critic_operations(3, 2, width=8, batch=4) == 2 * 4 * (3 * learnt + evaluated)


def test_only_models_that_are_missing_take_training() -> None:
    runs = [Run("tt", 0), Run("tt+q", 0)]
    found = seconds(runs)
    one, both = seconds(runs, ["transformer"]), seconds(runs, ["transformer", "critic"])
    assert 0 < found < one < both
    assert seconds(runs, ["transformer"] * 2) == pytest.approx(2 * one - found)
    assert seconds([]) == 0


def test_more_steps_take_longer_in_proportion() -> None:
    recipe = Recipe()
    twice = attrs.evolve(
        recipe, training=attrs.evolve(recipe.training, steps=2 * recipe.training.steps)
    )
    runs = [Run("tt", 0)]
    one, two = (seconds(runs, ["transformer"], r) for r in (recipe, twice))
    assert two - seconds(runs) == pytest.approx(2 * (one - seconds(runs)))


def test_no_machine_is_so_fast_that_a_critic_takes_no_time() -> None:
    runs, steps = [Run("iql", 0)], Recipe().critic.steps
    took = seconds(runs, ["critic"], peak=1e30) - seconds(runs, peak=1e30)
    assert took == pytest.approx(2.5e-4 * steps)


def test_the_peak_of_this_machine_is_positive() -> None:
    assert matmul_peak("cpu", 512) == pytest.approx(1e11, rel=0.999)
