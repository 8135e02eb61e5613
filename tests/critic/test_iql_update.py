from typing import Any, NamedTuple

import attrs
import numpy as np
import pytest
import torch
from torch import Tensor

from tt_critic import (
    Batch,
    IQLConfig,
    Losses,
    Networks,
    Optimizers,
    Transitions,
    as_batch,
    as_critic,
    draw_batch,
    make_optimizers,
    train_critic,
    update,
)
from tt_critic._critic import stack_shape, to_rows
from tt_critic._learner import Learner
from tt_critic._stack import to_row
from tt_critic._transitions import Sizes, pack

CONFIG = IQLConfig(batch=16, learning_rate=1e-2, hidden=(8, 8), steps=100)


def draw(
    sizes: Sizes, ended: float = 0.2, width: float = 1.0, count: int = 60
) -> Transitions:
    rng = np.random.default_rng(0)
    return Transitions(
        rng.normal(size=(count, sizes.observation)),
        width * rng.uniform(-1, 1, size=(count, sizes.action)),
        rng.normal(size=count),
        rng.normal(size=(count, sizes.observation)),
        rng.random(count) < ended,
    )


def tensors(data: Transitions, dtype: torch.dtype = torch.float64) -> Batch:
    return Batch(*(column.to(dtype) for column in as_batch(data, (-1e3, 1e3))))


class Both(NamedTuple):
    """The plain statement and the fast one, from the same parameters."""

    networks: Networks
    optimizers: Optimizers
    learner: Learner

    def targets(self) -> Tensor:
        networks = self.networks
        sizes = networks.observation_size, networks.action_size
        shape = stack_shape(*sizes, networks.hidden)
        twins = networks.target_q.first, networks.target_q.second
        return torch.stack([to_row(shape, twin) for twin in twins])

    def assert_equal(self, rtol: float, atol: float) -> None:
        learner, networks = self.learner, self.networks
        pairs = [
            (learner.trained[:, 0], to_rows(networks)),
            (learner.networks[1:3, 0], self.targets()),
            (learner.networks[0, 0], learner.trained[0, 0]),
            (learner.log_deviation[0], networks.policy.log_deviation.detach()),
        ]
        for fast, plain in pairs:
            torch.testing.assert_close(fast, plain, rtol=rtol, atol=atol)


def start(
    config: IQLConfig, data: Transitions, dtype: torch.dtype = torch.float64
) -> Both:
    sizes = Sizes(data.observations.shape[1], data.actions.shape[1])
    networks = Networks(
        sizes.observation,
        sizes.action,
        config.hidden,
        config.seed,
        tanh=config.tanh,
        output_gain=config.output_gain,
    )
    learner = Learner(pack(data).to(dtype), sizes, config, [config.seed])
    assert torch.equal(learner.trained[:, 0], to_rows(networks.to(dtype)))
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter.mul_(3.0)  # away from outputs near zero
    learner.networks.mul_(3.0)
    return Both(networks, make_optimizers(networks, config), learner)


def run(both: Both, config: IQLConfig, data: Batch) -> list[tuple[Losses, Losses]]:
    """Make all updates on both sides and return the losses of both."""
    generator = torch.Generator().manual_seed(config.seed)
    losses = []
    for step in range(config.steps):
        both.learner.update(step)
        batch = draw_batch(data, config.batch, generator)
        plain = update(both.networks, both.optimizers, batch, config)
        losses.append((both.learner.losses()[0], plain))
    return losses


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"expectile": 0.5},
        {"expectile": 0.99},
        {"temperature": 0.0},
        {"temperature": 10.0, "expectile": 0.9},
        {"target_rate": 0.3},
        {"target_rate": 1.0},
        {"discount": 0.0},
        {"discount": 0.5},
        {"hidden": (16,)},
        {"hidden": (4, 12, 8), "batch": 1},
        {"seed": 7, "learning_rate": 1e-3},
        {"tanh": True},
        {"tanh": True, "output_gain": 0.1, "temperature": 10.0},
    ],
)
def test_fast_updates_equal_the_plain_statement(changed: dict[str, Any]) -> None:
    config = attrs.evolve(CONFIG, **changed)
    data = draw(Sizes(3, 2))
    both = start(config, data)
    losses = run(both, config, tensors(data))
    both.assert_equal(rtol=1e-10, atol=1e-12)
    for fast, plain in losses:
        torch.testing.assert_close(fast[:2], plain[:2], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("ended", [0.0, 1.0])
def test_they_are_equal_with_and_without_terminations(ended: float) -> None:
    data = draw(Sizes(1, 4), ended=ended)
    both = start(CONFIG, data)
    run(both, CONFIG, tensors(data))
    both.assert_equal(rtol=1e-10, atol=1e-12)


def test_they_are_equal_where_the_advantage_weights_are_clipped() -> None:
    config = attrs.evolve(CONFIG, temperature=50.0)
    data = draw(Sizes(3, 2))
    both = start(config, data)
    batch = tensors(data)
    run(both, config, batch)
    both.assert_equal(rtol=1e-10, atol=1e-12)
    advantages = as_critic(both.networks).advantage(*batch[:2])
    clipped = torch.exp(config.temperature * advantages) > 100
    assert 0.05 < clipped.double().mean() < 0.95


def test_they_are_equal_where_the_deviation_is_at_its_bound() -> None:
    data = draw(Sizes(3, 2), width=1000.0)
    config = attrs.evolve(CONFIG, learning_rate=0.1, temperature=0.0)
    both = start(config, data)
    run(both, config, tensors(data))
    assert both.learner.log_deviation.amax() == 2.0
    both.assert_equal(rtol=1e-10, atol=1e-12)


def test_they_are_equal_to_rounding_at_the_published_sizes() -> None:
    config = IQLConfig(steps=20)
    data = draw(Sizes(17, 6), count=1000)
    both = start(config, data, torch.float32)
    run(both, config, tensors(data, torch.float32))
    both.assert_equal(rtol=1e-4, atol=3e-5)


def test_a_trained_critic_is_that_of_plain_updates_from_the_same_seed() -> None:
    config = attrs.evolve(CONFIG, seed=5, learning_rate=1e-3)
    data = draw(Sizes(3, 2))
    trained = train_critic(data, config)
    networks = Networks(3, 2, config.hidden, config.seed)
    optimizers = make_optimizers(networks, config)
    whole, generator = tensors(data, torch.float32), torch.Generator().manual_seed(5)
    for _ in range(config.steps):
        batch = draw_batch(whole, config.batch, generator)
        update(networks, optimizers, batch, config)
    plain = as_critic(networks)
    for name in ("networks", "log_deviation", "bounds"):
        ours, theirs = getattr(trained, name), getattr(plain, name)
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_reported_policy_loss_is_that_of_the_same_batch() -> None:
    data = draw(Sizes(3, 2))
    for fast, plain in run(start(CONFIG, data), CONFIG, tensors(data)):
        # The policy's deviation has moved by a step of its rate since then.
        assert fast.policy.item() == pytest.approx(plain.policy.item(), rel=0.1)
