"""Predictions far ahead: by hand, and where only a memory can know what follows."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import Tensor

from tt_bench import Dataset, Episodes, Experiment, Recipe, Run, RunConfig
from tt_bench.methods import (
    Context,
    EnsembleSettings,
    ModelSettings,
    TokenizerSettings,
    TrainingSettings,
)
from tt_bench.methods.tokens import fit_bins
from tt_bench.studies import horizon
from tt_bench.studies.held_out import (
    draw_replays,
    held_out,
    mask,
    take,
    visible_numbers,
)
from tt_bench.studies.horizon import HorizonSettings, judge, study_horizon

WAY = np.array([-1.0, 0.0, 1.0, 0.0])  # from 0 it goes on as it went: up or down


def to_and_fro(count: int = 40, length: int = 24) -> Episodes:
    draws = np.random.default_rng(0)
    size = count * length
    phase = (np.arange(length) + draws.integers(4, size=(count, 1))) % 4
    after = (phase[:, -1:] + 1) % 4
    rest = np.zeros((size, 2))
    return Episodes(
        observations=np.concatenate([WAY[phase].reshape(size, 1), rest], 1),
        actions=draws.uniform(-1, 1, (size, 1)),
        rewards=np.zeros(size),
        ends=np.arange(1, count + 1) * length,
        terminated=np.zeros(count, np.bool_),
        final_observations=np.concatenate([WAY[after], np.zeros((count, 2))], 1),
    )


RECIPE = Recipe(
    tokenizer=TokenizerSettings(bins=4),
    model=ModelSettings(layers=1, heads=2, width=32, dropout=0.0),
    training=TrainingSettings(
        steps=400, batch=32, transitions=4, learning_rate=5e-3, action_weight=0.0
    ),
    own=(EnsembleSettings(steps=300, members=2, width=16, layers=2),),
)


@pytest.fixture
def context(tmp_path: Path) -> Callable[[Recipe], Context]:
    def make(recipe: Recipe) -> Context:
        make_env = partial(gym.make, "Pendulum-v1")
        data = Dataset("way", to_and_fro(), "Pendulum-v1", make_env, None, "drawn")
        config = RunConfig(methods=("tt",), output=tmp_path)
        return Experiment.of(data, recipe, config).context(Run("tt", 0))

    return make


def test_only_a_memory_knows_where_to_go_on_from_the_middle(
    context: Callable[[Recipe], Context],
) -> None:
    settings = HorizonSettings(starts=24, particles=8, steps=8)
    found = study_horizon(context(RECIPE), settings)
    # the deviation of -1, 0, 1, 0 is 0.71; the other two numbers are always right
    for name, quartiles in found.items():
        low, middle, high = np.array(quartiles["error"])
        assert ((low <= middle) & (middle <= high)).all()
        assert len(middle) == 8
        if name == "transformer":
            assert high.max() < 0.1
        else:
            assert high[1:].mean() > 0.3
        assert np.isfinite(quartiles["likelihood"]).all()


def test_what_is_known_stands_in_the_tokens_of_the_training(
    context: Callable[[Recipe], Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rewards of episodes that ended are others, and so are the values before them."""
    recipe = attrs.evolve(
        RECIPE,
        tokenizer=TokenizerSettings(bins=50),
        training=attrs.evolve(RECIPE.training, steps=1),
        termination_reward=-100.0,
    )
    given = context(recipe)
    over = attrs.evolve(given.episodes, terminated=np.ones(40, np.bool_))
    given = attrs.evolve(given, episodes=over)
    _, layout, trained_on = fit_bins(given.episodes, recipe)
    known: list[Tensor] = []

    def keep(_: Any, prefix: Tensor, actions: Tensor, *__: Any, **___: Any) -> Tensor:
        known.append(prefix)
        return torch.zeros(*actions.shape[:2], layout.observation)

    monkeypatch.setattr(horizon, "by_transformer", keep)
    study_horizon(given, HorizonSettings(starts=24, particles=1, steps=8))
    rows = {tuple(row) for row in trained_on.tokens.tolist()}
    for prefix in known:  # of the transformer, and of the one that sees one transition
        before = prefix[:, : -layout.observation].reshape(-1, layout.width)
        assert len(before) >= 24
        assert {tuple(row) for row in before.tolist()} <= rows


def test_chunks_and_short_episodes_are_refused(
    context: Callable[[Recipe], Context],
) -> None:
    with pytest.raises(ValueError, match="--chunk 1"):
        study_horizon(
            context(attrs.evolve(RECIPE, chunk=2, executed=2)), HorizonSettings()
        )
    with pytest.raises(ValueError, match="expected a held-out episode of 104 steps"):
        study_horizon(context(RECIPE), HorizonSettings())


def test_a_prediction_is_judged_in_deviations_and_by_a_gaussian_of_its_particles() -> (
    None
):
    # one start, two particles
    imagined = np.array([[[[1, 9]], [[3, 9]]]], np.float32)
    truth, deviation = np.array([[[4, 0]]], np.float32), np.array([2, 1], np.float32)
    first_alone = judge(imagined, truth, deviation, np.array([[True, False]]))
    # the mean 2 is 1 deviation away; the particles have 0.25 deviations^2
    assert first_alone.error.tolist() == [[1.0]]
    variance = 0.25 + 0.01**2
    expected = -0.5 * (1 / variance + math.log(2 * math.pi * variance))
    assert first_alone.likelihood[0, 0] == pytest.approx(expected)
    both = judge(imagined, truth, deviation, np.array([[True, True]]))
    assert both.error[0, 0] == pytest.approx(math.sqrt((1 + 81) / 2))


def test_what_has_blown_up_is_wrong_and_no_more() -> None:
    for wrong in (np.nan, np.inf, -np.inf):
        judged = judge(
            np.full((1, 2, 1, 1), wrong, np.float32),
            np.zeros((1, 1, 1), np.float32),
            np.ones(1, np.float32),
            np.ones((1, 1), np.bool_),
        )
        assert np.isfinite(judged.error).all()
        assert judged.error[0, 0] > 1e5


def test_pieces_lie_within_chosen_episodes_and_everywhere_in_them() -> None:
    episodes = to_and_fro(3, 10)
    chosen = np.array([False, True, True])
    replays = draw_replays(episodes, chosen, 3, 5, 500, seed=0)
    assert set(replays.episode.tolist()) == {1, 2}
    expected = {first + t for first in (10, 20) for t in range(3)}
    assert set(replays.rows[:, 0].tolist()) == expected
    assert (np.diff(replays.rows, axis=1) == 1).all()
    assert (replays.rows // 10 == replays.episode[:, None]).all()


def test_masks_hide_half_of_the_numbers_of_an_episode_and_stay() -> None:
    episodes = to_and_fro(20, 5)
    noisy = attrs.evolve(
        episodes,
        observations=np.random.default_rng(0).normal(size=(100, 3)),
    )
    shown = visible_numbers(noisy, seed=1)
    assert (shown.sum(1) == 2).all()
    assert 0 < shown[:, 0].mean() < 1
    hidden = mask(noisy, shown).observations.reshape(20, 5, 3)
    kept = hidden == noisy.observations.reshape(20, 5, 3)
    np.testing.assert_array_equal(kept, np.repeat(shown[:, None], 5, 1))
    assert held_out(noisy).tolist() == [False] * 19 + [True]
    left = take(noisy, ~held_out(noisy))
    np.testing.assert_array_equal(left.observations, noisy.observations[:95])
