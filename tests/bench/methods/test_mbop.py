"""MBOP's search against a closed form, its value by hand, its agent and its runs."""

from functools import partial
from pathlib import Path

import attrs
import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import Tensor

from tt_bench import Dataset, Episodes, Experiment, Recipe, Run, RunConfig
from tt_bench.agents import ContinuingAgent
from tt_bench.interface import FloatArray, RememberingAgent
from tt_bench.methods.ensemble_dynamics import EnsembleDynamics
from tt_bench.methods.gaussian_ensemble import (
    EnsembleSettings,
    Gaussian,
    GaussianEnsemble,
)
from tt_bench.methods.guides import GuideSettings, Regression, begin, returns_from
from tt_bench.methods.mbop import MBOPSettings, plan_actions
from tt_plan import ActionPlan

SETTINGS = MBOPSettings(horizon=2, samples=20_000, temperature=0.1, noise=0.1)
BOUNDS = torch.full((1,), -2.0), torch.full((1,), 2.0)


class Paid(GaussianEnsemble):
    """Stays where it is, and earns the action."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        self.biases = torch.nn.ParameterList([torch.zeros(2, 1, 1)])

    def predict(self, observations: Tensor, actions: Tensor) -> Gaussian:
        mean = torch.cat([observations, actions], 1).expand(2, -1, -1)
        return Gaussian(mean, torch.zeros_like(mean))


class Constant(torch.nn.Module):
    def forward(self, observations: Tensor) -> Tensor:
        return 0.1 * observations


@pytest.mark.parametrize("inertia", [0.0, 0.25])
def test_the_plan_is_the_proposal_moved_by_the_variance_over_the_temperature(
    inertia: float,
) -> None:
    """Noise of variance s^2, weighed by exp(noise / T), has the mean s^2 / T."""
    settings = attrs.evolve(SETTINGS, inertia=inertia)
    start = torch.tensor([[[0.5], [0.3]], [[0.0], [-0.3]]])
    plan = plan_actions(
        EnsembleDynamics(Paid(), kept=True, noise=False),
        Constant(),
        settings,
        BOUNDS,
        0.5,
        torch.tensor([[1.0], [-1.0]]),
        start,
        torch.Generator().manual_seed(0),
    )
    deviation = 0.1 * 2 * (1 - inertia)
    moved = deviation**2 / 0.1 * torch.tensor([[1.0], [0.5]])
    proposed = torch.tensor([[[0.1]], [[-0.1]]])
    expected = (1 - inertia) * proposed + inertia * start + moved
    torch.testing.assert_close(plan.actions, expected, rtol=0, atol=0.03)


def test_returns_are_from_the_reward_of_now_on() -> None:
    episodes = Episodes(
        observations=np.zeros((3, 1)),
        actions=np.zeros((3, 1)),
        rewards=[1.0, 2.0, 4.0],
        ends=[2, 3],
        terminated=[True, False],
        final_observations=np.zeros((2, 1)),
    )
    assert returns_from(episodes, 0.5, None)[:, 0].tolist() == [2.0, 2.0, 4.0]
    assert returns_from(episodes, 0.5, -8.0)[:, 0].tolist() == [-3.0, -8.0, 4.0]


def bandit() -> Dataset:
    """Two steps each; the reward is the action, which is half of what is seen."""
    draws = np.random.default_rng(0)
    seen = draws.normal(size=(2_000, 3))
    actions = 0.5 * seen[:, :1].clip(-2, 2) + 0.05 * draws.normal(size=(2_000, 1))
    episodes = Episodes(
        observations=seen,
        actions=actions,
        rewards=actions[:, 0],
        ends=np.arange(2, 2_001, 2),
        terminated=np.ones(1_000, np.bool_),
        final_observations=np.zeros((1_000, 3)),
    )
    make_env = partial(gym.make, "Pendulum-v1")
    return Dataset("bandit", episodes, "Pendulum-v1", make_env, None, "drawn")


def experiment(tmp_path: Path, *own: object) -> Experiment:
    config = RunConfig(methods=("mbop",), seeds=1, episodes=2, max_steps=4)
    return Experiment.of(
        bandit(),
        Recipe(own=own, discount=0.5),
        attrs.evolve(config, output=tmp_path),
    )


def test_the_policy_is_the_datas_and_the_value_its_mean_return(tmp_path: Path) -> None:
    settings = GuideSettings(steps=1_500, batch=64, width=32)
    training = begin(experiment(tmp_path, settings).context(Run("mbop", 0)))
    for step in range(settings.steps):
        training.update(step)
    seen = torch.randn(200, 3, generator=torch.Generator().manual_seed(9))
    policy = training.modules["guides"].get_submodule("policy")
    value = training.modules["guides"].get_submodule("value")
    assert isinstance(policy, Regression)
    expected = 0.5 * seen[:, :1].clamp(-2, 2)
    with torch.no_grad():
        assert (policy(seen) - expected).abs().mean() < 0.05
        # of the first and second steps, of which one has half of another action ahead
        assert (value(seen) - expected).abs().mean() < 0.1


def test_a_run_trains_once_and_again_only_what_is_asked_for(tmp_path: Path) -> None:
    own = (
        EnsembleSettings(steps=3, members=2, width=4),
        GuideSettings(steps=2, width=4),
        MBOPSettings(horizon=3, samples=5),
    )
    first = experiment(tmp_path, *own).execute(Run("mbop", 0))
    assert first.budget["steps"] == 3
    assert first.settings["mbop"]["samples"] == 5
    assert experiment(tmp_path, *own).finished(Run("mbop", 0)) == first
    other = (*own[:2], MBOPSettings(horizon=4, samples=5))
    assert experiment(tmp_path, *other).finished(Run("mbop", 0)) is None
    experiment(tmp_path, *other).execute(Run("mbop", 0))
    for network in ("ensemble", "mbop-guides"):
        assert len(list(tmp_path.glob(f"bandit/{network}-seed0-*/networks.npz"))) == 1


def count(seen: Tensor, start: Tensor | None, draws: torch.Generator) -> ActionPlan:
    """Plan 1, 2 and 3 first, and then what is left, plus the draw of a bit."""
    plan = torch.arange(1.0, 4.0)[None, :, None].expand(len(seen), -1, 1)
    bit = torch.randint(2, (1,), generator=draws)
    actions = plan if start is None else start + bit
    return ActionPlan(actions, actions, torch.zeros(len(seen)))


def test_an_agent_goes_on_from_its_plans_and_from_its_memory() -> None:
    low, high = np.full(1, -9, np.float32), np.full(1, 9, np.float32)
    agents = [ContinuingAgent(count, 3, low, high) for _ in range(2)]
    assert isinstance(agents[0], RememberingAgent)
    masks = [[True, True], [True, True], [False, True], [False, True], [False, True]]

    def act(agent: ContinuingAgent, mask: list[bool]) -> FloatArray:
        return agent.act(np.zeros((2, 3), np.float32), np.array(mask))

    for agent in agents:
        agent.start(2, 7)
    assert act(agents[0], masks[0])[:, 0].tolist() == [1, 1]
    second = act(agents[0], masks[1])[:, 0]
    assert second[0] in (2, 3)
    agents[1].remember(agents[0].memory())
    for mask in masks[2:]:
        one, other = (act(agent, mask) for agent in agents)
        np.testing.assert_array_equal(one, other)
        assert one[0, 0] == 0
    agents[0].start(1, 0)
    with pytest.raises(ValueError, match="remember what this agent knew"):
        agents[0].remember(agents[1].memory())
