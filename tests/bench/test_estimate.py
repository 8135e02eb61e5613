from functools import partial

import attrs
import gymnasium as gym
import numpy as np
import pytest

from tt_bench._dataset import Dataset
from tt_bench._episodes import Episodes
from tt_bench._estimate import estimate_seconds, token_operations
from tt_bench._machine import matmul_peak
from tt_bench._recipes import ModelSettings, Recipe, TokenizerSettings
from tt_bench._run_config import Run


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


def seconds(runs: list[Run], recipe: Recipe | None = None) -> float:
    return estimate_seconds(
        dataset(), recipe or Recipe(), runs, episodes=2, steps=10, peak=1e11
    )


def test_operations_of_a_token_are_counted_by_hand() -> None:
    # one layer of width 2: 3*2*2 + 2*2 of attention, 2*2*8 of the perceptron,
    # and a head of 5 + 1 rows: 12 * 4 + 12 weights, two operations each
    recipe = Recipe(
        model=ModelSettings(layers=1, width=2), tokenizer=TokenizerSettings(bins=5)
    )
    assert token_operations(recipe) == 2 * (12 * 4 + 12)


def test_methods_that_share_a_training_pay_for_it_once() -> None:
    both = seconds([Run("tt", 0), Run("tt+q", 0)])
    apart = seconds([Run("tt", 0), Run("tt+q", 1)])
    assert both < apart
    assert seconds([]) == 0


def test_more_steps_take_longer_in_proportion() -> None:
    recipe = Recipe()
    twice = attrs.evolve(
        recipe, training=attrs.evolve(recipe.training, steps=2 * recipe.training.steps)
    )
    one, two = (seconds([Run("tt", 0)], r) for r in (recipe, twice))
    assert one < two < 2 * one


def test_the_peak_of_this_machine_is_positive() -> None:
    assert matmul_peak("cpu", 512) == pytest.approx(1e11, rel=0.999)
