"""The Gaussian ensemble against a linear system, whose mean and variance are known."""

import math
from typing import Any

import attrs
import pytest
import torch
from torch import Tensor

from tt_bench.data.episodes import Episodes
from tt_bench.methods.ensemble import as_targets, begin_on
from tt_bench.methods.ensemble_dynamics import EnsembleDynamics, EnsembleState
from tt_bench.methods.gaussian_ensemble import (
    EnsembleSettings,
    Gaussian,
    GaussianEnsemble,
    ensemble_loss,
)
from tt_plan import DynamicsModel
from tt_plan.testing import check_dynamics_model

A = torch.tensor([[0.9, 0.3], [-0.2, 0.8]])
B = torch.tensor([[0.5], [-1.0]])
DEVIATION = torch.tensor([0.1, 0.4, 0.2])  # of both observation numbers and the reward
SETTINGS = EnsembleSettings(
    steps=1_500, members=3, batch=256, width=32, layers=2, learning_rate=3e-3
)


def system(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs, what follows on average, and what followed."""
    draws = torch.Generator().manual_seed(seed)
    seen = 2 * torch.randn(count, 2, generator=draws) + 5
    done = torch.rand(count, 1, generator=draws) * 2 - 1
    reward = 3 * seen[:, :1] - done
    mean = torch.cat([seen @ A.mT + done @ B.mT - seen, reward], 1)
    noise = DEVIATION * torch.randn(count, 3, generator=draws)
    return torch.cat([seen, done], 1), mean, mean + noise


@pytest.fixture(scope="module")
def trained() -> GaussianEnsemble:
    inputs, _, targets = system(4_000, 0)
    training = begin_on(inputs, targets, SETTINGS, seed=0, device="cpu")
    for step in range(SETTINGS.steps):
        training.update(step)
    ensemble = training.modules["ensemble"]
    assert isinstance(ensemble, GaussianEnsemble)
    return ensemble


def test_every_member_learns_the_mean_and_the_variance(
    trained: GaussianEnsemble,
) -> None:
    inputs, mean, _ = system(500, 1)
    seen, done = inputs[:, :2], inputs[:, 2:]
    said = trained.predict(seen, done)
    expected = mean + torch.nn.functional.pad(seen, (0, 1))
    error = (said.mean - expected).square().mean(1).sqrt()  # [K, O]
    assert (error < 0.5 * DEVIATION).all()
    ratio = said.variance.mean(1).sqrt() / DEVIATION
    assert ((ratio > 0.9) & (ratio < 1.1)).all()


def test_members_differ_by_their_bootstraps_alone_where_data_is_scarce() -> None:
    inputs, _, targets = system(20, 0)
    few = attrs.evolve(SETTINGS, steps=300)
    training = begin_on(inputs, targets, few, seed=0, device="cpu")
    for step in range(few.steps):
        training.update(step)
    ensemble: Any = training.modules["ensemble"]
    near, far = (
        ensemble.predict(place, torch.zeros(50, 1)).mean.std(0).mean()
        for place in (inputs[:1, :2].expand(50, 2), torch.full((50, 2), -10.0))
    )
    assert far > 5 * near


def test_the_loss_is_the_likelihoods_and_the_bounds_price() -> None:
    inputs, _, targets = system(8, 0)
    ensemble = GaussianEnsemble(inputs, targets, SETTINGS, seed=0)
    for parameter in (*ensemble.weights, *ensemble.biases):
        torch.nn.init.zeros_(parameter)
    given = inputs.expand(3, -1, -1), targets.expand(3, -1, -1)
    loss = float(ensemble_loss(ensemble, *given).detach())
    # standardised targets about a mean of 0: the mean square is 1
    upper = 0.5 - math.log1p(math.exp(0.5))
    log_variance = -10 + math.log1p(math.exp(upper + 10))
    each = 0.5 * (math.exp(-log_variance) + log_variance)
    assert loss == pytest.approx(3 * each + 0.01 * 10.5, rel=1e-4)


def test_targets_are_changes_and_rewards_with_the_recipes_end() -> None:
    episodes = Episodes(
        observations=[[1.0], [2.0], [5.0]],
        actions=[[0.5], [0.6], [0.7]],
        rewards=[1.0, 2.0, 3.0],
        ends=[2, 3],
        terminated=[True, False],
        final_observations=[[4.0], [5.5]],
    )
    inputs, targets = as_targets(episodes, -100.0)
    torch.testing.assert_close(
        inputs, torch.tensor([[1, 0.5], [2, 0.6], [5, 0.7]], dtype=torch.float32)
    )
    assert targets.tolist() == [[1, 1], [2, -100], [0.5, 3]]


class Known(GaussianEnsemble):
    """Member k moves by k plus the action, and earns 10 k."""

    def __init__(self, members: int = 3) -> None:
        torch.nn.Module.__init__(self)
        self.biases = torch.nn.ParameterList([torch.zeros(members, 1, 1)])

    def predict(self, observations: Tensor, actions: Tensor) -> Gaussian:
        member = torch.arange(float(self.members))[:, None, None]
        mean = torch.cat(
            [observations + actions + member, 10 * member.expand(-1, len(actions), 1)],
            -1,
        )
        return Gaussian(mean, torch.full_like(mean, 0.25))


def follow(dynamics: EnsembleDynamics, steps: int) -> tuple[EnsembleState, Tensor]:
    state, actions = dynamics.start(torch.zeros(3_000, 1)), torch.zeros(3_000, 1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        state, reward = dynamics.step(state, actions, generator)
    return state, reward


def test_a_row_draws_a_member_a_step_or_keeps_one_and_rewards_are_the_mean() -> None:
    for kept in (True, False):
        state, reward = follow(EnsembleDynamics(Known(), kept=kept, noise=False), 2)
        places = set(state.observations[:, 0].tolist())
        assert places == ({0.0, 2.0, 4.0} if kept else {0.0, 1.0, 2.0, 3.0, 4.0})
        assert reward.tolist() == [10.0] * 3_000


def test_noise_has_the_models_variance() -> None:
    state, _ = follow(EnsembleDynamics(Known(1)), 4)
    assert float(state.observations.var()) == pytest.approx(4 * 0.25, rel=0.1)


def test_it_keeps_the_laws_of_dynamics() -> None:
    values = torch.nn.Linear(1, 1)

    def value(observations: Tensor) -> Tensor:
        found: Tensor = values(observations)[:, 0]
        return found

    model: DynamicsModel[EnsembleState] = EnsembleDynamics(Known(1), value, noise=False)
    state = EnsembleDynamics(Known(1)).start(torch.randn(4, 1))
    check_dynamics_model(model, state, torch.randn(4, 3, 1))
