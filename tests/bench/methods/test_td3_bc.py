"""TD3+BC's losses by hand, its policy against a closed form, and its runs."""

from functools import partial
from pathlib import Path

import attrs
import gymnasium as gym
import numpy as np
import pytest
import torch

from tt_bench import Dataset, Episodes, Experiment, Recipe, Run, RunConfig
from tt_bench.methods.task import Task
from tt_bench.methods.td3_bc import Networks as TD3BCNetworks
from tt_bench.methods.td3_bc import (
    TD3BCSettings,
    actor_loss,
    begin,
    critic_loss,
)
from tt_critic import Batch

TASK = Task(low=np.full(1, -2, np.float32), high=np.full(1, 2, np.float32), steps=5)
SETTINGS = TD3BCSettings(steps=1_500, batch=64, width=32, learning_rate=2e-3)


class Linear(torch.nn.Module):
    """Twins that estimate Q as a and as 2 a of the action."""

    def forward(self, observations: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
        return torch.stack([a[:, 0], 2 * a[:, 0]])


@pytest.fixture
def batch() -> Batch:
    return Batch(
        observations=torch.zeros(2, 1),
        actions=torch.tensor([[1.0], [-1.0]]),
        rewards=torch.tensor([0.5, 0.25]),
        next_observations=torch.ones(2, 1),
        terminations=torch.tensor([False, True]),
    )


@pytest.fixture
def networks(batch: Batch) -> TD3BCNetworks:
    """Acts 1.2 everywhere: half the reach of 2 times tanh of 0.6931."""
    made = TD3BCNetworks(batch, TASK, attrs.evolve(SETTINGS, width=1), seed=0)
    made.twins, made.target_twins = Linear(), Linear()  # type: ignore[assignment]
    at_three_fifths = torch.nn.Parameter(torch.tensor([np.arctanh(0.6)]).float())
    for actor in (made.actor, made.target_actor):
        for parameter in actor.parameters():
            torch.nn.init.zeros_(parameter)
        actor.network[-1].register_parameter("bias", at_three_fifths)
    return made


def test_the_critics_target_is_that_of_a_smoothed_and_clipped_action(
    networks: TD3BCNetworks, batch: Batch
) -> None:
    def loss(noise: float) -> float:
        given = torch.full((2, 1), noise)
        return float(critic_loss(networks, batch, given, SETTINGS, discount=0.9))

    # pi = 1.2; the noise is 0.2 x 2 x its draw, at most 0.5 x 2; actions at most 2
    for noise, action in ((0.0, 1.2), (1.0, 1.6), (9.0, 2.0), (-9.0, 0.2)):
        first = 0.5 + 0.9 * min(action, 2 * action)  # the second has terminated
        errors = [(1 - first) ** 2 + (2 - first) ** 2]
        errors.append((-1 - 0.25) ** 2 + (-2 - 0.25) ** 2)
        assert loss(noise) == pytest.approx(np.mean(errors), rel=1e-5)


def test_the_actors_loss_weighs_q_in_units_of_its_size(
    networks: TD3BCNetworks, batch: Batch
) -> None:
    # away from +-1 by 0.2 and 2.2, of a reach of 2; Q = 1.2 has a mean size of 1.2
    away = np.mean([0.1**2, 1.1**2])
    for alpha in (0.0, 2.5):
        loss = float(actor_loss(networks, batch, alpha).detach())
        assert loss == pytest.approx(away - alpha, rel=1e-5)


def bandit(seed: int) -> Dataset:
    """One step each; the reward is the action, the actions lie evenly about -0.4."""
    draws = np.random.default_rng(seed)
    actions = draws.uniform(-1.4, 0.6, (2_000, 1))
    episodes = Episodes(
        observations=draws.normal(size=(2_000, 3)),
        actions=actions,
        rewards=4.0 + actions[:, 0],
        ends=np.arange(1, 2_001),
        terminated=np.ones(2_000, np.bool_),
        final_observations=np.zeros((2_000, 3)),
    )
    make_env = partial(gym.make, "Pendulum-v1")
    return Dataset("bandit", episodes, "Pendulum-v1", make_env, None, "drawn")


def experiment(tmp_path: Path, settings: TD3BCSettings, seed: int = 0) -> Experiment:
    config = RunConfig(methods=("td3+bc",), seeds=1, episodes=2, output=tmp_path)
    return Experiment.of(bandit(seed), Recipe(own=(settings,)), config)


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_the_policy_is_the_closed_forms(tmp_path: Path, alpha: float) -> None:
    """(a + 0.4)^2 / 4 - alpha (4 + a) / |Q| is least at 2 alpha / |Q| - 0.4."""
    settings = attrs.evolve(SETTINGS, alpha=alpha)
    training = begin(experiment(tmp_path, settings).context(Run("td3+bc", 0)))
    for step in range(settings.steps):
        training.update(step)
    seen = torch.randn(100, 3, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        chosen = training.modules["networks"].actor(seen).mean()  # type: ignore[operator]
    best = -0.4
    for _ in range(20):  # the size of Q is that at the policy's own actions
        best = 2 * alpha / (4 + best) - 0.4
    assert float(chosen) == pytest.approx(best, abs=0.06)


def test_a_run_is_trained_once_and_other_settings_anew(tmp_path: Path) -> None:
    short = attrs.evolve(SETTINGS, steps=3)
    first = experiment(tmp_path, short).execute(Run("td3+bc", 0))
    assert first.budget["steps"] == 3
    assert first.settings["td3_bc"]["alpha"] == 2.5
    assert len(first.returns) == 2
    assert experiment(tmp_path, short).finished(Run("td3+bc", 0)) == first
    other = attrs.evolve(short, alpha=1.0)
    assert experiment(tmp_path, other).finished(Run("td3+bc", 0)) is None
    assert len(list(tmp_path.glob("bandit/td3-bc-seed0-*/networks.npz"))) == 1
