"""CQL's penalty by hand and against a closed form, its policy's density, its runs."""

import math
from functools import partial
from pathlib import Path

import attrs
import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tt_bench import Dataset, Episodes, Experiment, Recipe, Run, RunConfig
from tt_bench.methods.cql import (
    CQLSettings,
    Networks,
    begin,
    bellman_error,
    penalties,
    policy_losses,
    soft_maximum,
)
from tt_bench.methods.tanh_policy import Policy
from tt_critic import Batch

SETTINGS = CQLSettings(
    steps=700,
    batch=128,
    width=32,
    layers=2,
    actor_rate=1e-3,
    critic_rate=3e-3,
    actions=4,
    weight=3.0,
)


class Linear(nn.Module):
    """Twins that estimate Q as the action and as three times it."""

    def forward(self, observations: Tensor, actions: Tensor) -> Tensor:
        return torch.stack([actions[:, 0], 3 * actions[:, 0]])


@pytest.fixture
def batch() -> Batch:
    return Batch(
        observations=torch.tensor([[0.0], [1.0]]),
        actions=torch.tensor([[0.5], [-0.25]]),
        rewards=torch.tensor([0.5, 0.25]),
        next_observations=torch.tensor([[1.0], [0.0]]),
        terminations=torch.tensor([False, True]),
    )


@pytest.fixture
def networks(batch: Batch) -> Networks:
    made = Networks(batch, SETTINGS, seed=0)
    made.register_module("twins", Linear())
    made.register_module("target_twins", Linear())
    for parameter in made.policy.parameters():
        nn.init.normal_(parameter, std=0.2)
    return made


def squashed(policy: Policy, observations: Tensor) -> torch.distributions.Distribution:
    mean, log_deviation = policy.gaussian(observations)
    return torch.distributions.TransformedDistribution(
        torch.distributions.Normal(mean, log_deviation.exp()),
        [torch.distributions.TanhTransform()],
    )


def test_densities_are_those_of_a_gaussian_through_a_tanh(
    networks: Networks, batch: Batch
) -> None:
    noise = torch.randn(5, 2, 1, generator=torch.Generator().manual_seed(0))
    drawn = networks.policy.draw(batch.observations, noise)
    expected = squashed(networks.policy, batch.observations).log_prob(drawn.actions)
    torch.testing.assert_close(drawn.densities, expected[..., 0], rtol=1e-4, atol=1e-4)


def test_the_soft_maximum_is_the_integral_over_all_actions() -> None:
    even = 2 * torch.rand(200_000, generator=torch.Generator().manual_seed(0)) - 1
    q = torch.stack([2.0 * even, 5.0 * even])[..., None]
    found = soft_maximum(q, torch.full((200_000, 1), -math.log(2))) - math.log(200_000)
    for slope, value in zip((2.0, 5.0), found[:, 0].tolist(), strict=True):
        integral = (math.exp(slope) - math.exp(-slope)) / slope
        assert value == pytest.approx(math.log(integral), abs=0.01)


def test_the_penalty_is_the_log_of_summed_exponents_over_that_of_the_data(
    networks: Networks, batch: Batch
) -> None:
    draws = torch.Generator().manual_seed(1)
    even = 2 * torch.rand(3, 2, 1, generator=draws) - 1
    noise = torch.randn(2, 3, 2, 1, generator=draws)
    found = penalties(networks, batch, even, noise, None).detach().numpy()
    expected = np.zeros(2)
    for row in range(2):
        terms = [(float(a), math.log(0.5)) for a in even[:, row, 0]]
        for seen, kind in ((batch.observations, 0), (batch.next_observations, 1)):
            drawn = networks.policy.draw(seen, noise[kind])
            density = squashed(networks.policy, seen).log_prob(drawn.actions)
            pairs = zip(drawn.actions[:, row, 0], density[:, row, 0], strict=True)
            terms += [(float(a.detach()), float(d.detach())) for a, d in pairs]
        for twin, factor in enumerate((1.0, 3.0)):
            soft = math.log(sum(math.exp(factor * a - d) for a, d in terms))
            expected[twin] += (soft - factor * float(batch.actions[row, 0])) / 2
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    least = penalties(networks, batch, even, noise, 50.0)
    assert least.tolist() == [50.0, 50.0]


def test_the_target_is_that_of_the_drawn_action_that_is_best_by_the_lesser_q(
    networks: Networks, batch: Batch
) -> None:
    noise = torch.tensor([-1.0, 0.5, 2.0])[:, None, None].expand(3, 2, 1)
    drawn = networks.policy.draw(batch.next_observations, noise).actions.detach()
    for count in (1, 3):
        value = max(min(float(a), 3 * float(a)) for a in drawn[:count, 0, 0])
        first = 0.5 + 0.9 * value  # the second has terminated
        errors = [(0.5 - first) ** 2 + (1.5 - first) ** 2]
        errors.append((-0.25 - 0.25) ** 2 + (-0.75 - 0.25) ** 2)
        loss = bellman_error(networks, batch, noise[:count], 0.9)
        assert float(loss) == pytest.approx(np.mean(errors), rel=1e-4)


def test_entropy_is_weighed_up_where_it_is_short(
    networks: Networks, batch: Batch
) -> None:
    noise = torch.randn(1, 2, 1, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        networks.log_entropy.fill_(math.log(0.5))
    drawn = networks.policy.draw(batch.observations, noise)
    policy, entropy = policy_losses(networks, batch, noise)
    lesser = torch.minimum(drawn.actions, 3 * drawn.actions)[..., 0]
    expected = float((0.5 * drawn.densities - lesser).mean().detach())
    assert float(policy.detach()) == pytest.approx(expected, rel=1e-5)
    (slope,) = torch.autograd.grad(entropy, networks.log_entropy)
    # entropy above -1 lowers the weight
    short = float(drawn.densities.mean().detach()) - 1.0
    assert float(slope) == pytest.approx(-short, rel=1e-5)


def bandit(low: float, high: float) -> Dataset:
    """One step each; the reward is twice the action, which goes from -2 to 2."""
    draws = np.random.default_rng(0)
    actions = draws.uniform(low, high, (2_000, 1))
    episodes = Episodes(
        observations=draws.normal(size=(2_000, 3)),
        actions=actions,
        rewards=2.0 * actions[:, 0],
        ends=np.arange(1, 2_001),
        terminated=np.ones(2_000, np.bool_),
        final_observations=np.zeros((2_000, 3)),
    )
    make_env = partial(gym.make, "Pendulum-v1")
    return Dataset("bandit", episodes, "Pendulum-v1", make_env, None, "drawn")


def experiment(
    tmp_path: Path, settings: CQLSettings, low: float = -2.0, high: float = 2.0
) -> Experiment:
    config = RunConfig(methods=("cql",), seeds=1, episodes=2, output=tmp_path)
    return Experiment.of(bandit(low, high), Recipe(own=(settings,)), config)


def learned(experiment: Experiment, settings: CQLSettings, at: list[float]) -> Tensor:
    """Return the mean Q of some actions, from -1 to 1, after training."""
    training = begin(experiment.context(Run("cql", 0)))
    for step in range(settings.steps):
        training.update(step)
    networks = training.modules["networks"]
    assert isinstance(networks, Networks)
    seen = torch.randn(50, 3, generator=torch.Generator().manual_seed(9))
    actions = torch.tensor(at)[:, None, None].expand(-1, 50, 1)
    return networks.q(seen, actions).detach().mean((0, 2))


def test_q_is_the_closed_forms(tmp_path: Path) -> None:
    """(Q - r)^2 + w (log of the integral of exp Q - Q), by data even from -1 to 1.

    It is least where 2 (Q - r) / 2 + w (p - 1 / 2) = 0 for p = exp Q / its integral.
    """
    grid = np.linspace(-1, 1, 2_001)
    q = 4.0 * grid
    for _ in range(500):
        p = np.exp(q - q.max())
        p /= p.mean() * 2  # of integral 1
        q = 0.9 * q + 0.1 * (4.0 * grid - SETTINGS.weight * (p - 0.5))
    at = [-0.8, 0.0, 0.5, 0.9]
    expected = np.interp(at, grid, q)
    assert abs(expected[-1] - 3.6) > 1.0  # the penalty tells
    found = learned(experiment(tmp_path, SETTINGS), SETTINGS, at)
    np.testing.assert_allclose(found, expected, atol=0.4)


def test_actions_that_the_data_lack_are_worth_less(tmp_path: Path) -> None:
    free = attrs.evolve(SETTINGS, weight=0.0)
    inside, outside = -0.5, 0.9
    held, plain = (
        learned(experiment(tmp_path, s, high=0.0), s, [inside, outside])
        for s in (SETTINGS, free)
    )
    assert float(plain[1] - plain[0]) > 1.0  # as the reward goes on
    assert float(held[1] - held[0]) < 0.0


def test_a_learned_factor_rises_while_the_penalty_exceeds_its_gap(
    tmp_path: Path,
) -> None:
    for gap, sign in ((0.01, 1), (100.0, -1)):
        settings = attrs.evolve(SETTINGS, gap=gap, steps=20)
        training = begin(experiment(tmp_path, settings).context(Run("cql", 0)))
        networks = training.modules["networks"]
        assert isinstance(networks, Networks)
        before = float(networks.log_factor.detach())
        for step in range(settings.steps):
            training.update(step)
        assert sign * (float(networks.log_factor.detach()) - before) > 0.01


def test_a_run_is_trained_once_and_other_settings_anew(tmp_path: Path) -> None:
    short = attrs.evolve(SETTINGS, steps=3)
    first = experiment(tmp_path, short).execute(Run("cql", 0))
    assert first.budget["steps"] == 3
    assert len(first.returns) == 2
    assert experiment(tmp_path, short).finished(Run("cql", 0)) == first
    other = attrs.evolve(short, weight=5.0)
    assert experiment(tmp_path, other).finished(Run("cql", 0)) is None
    assert len(list(tmp_path.glob("bandit/cql-seed0-*/networks.npz"))) == 1
