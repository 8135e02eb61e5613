import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tt_critic import (
    advantage_weights,
    bellman_loss,
    bellman_target,
    expectile_loss,
    gaussian_log_probability,
    policy_loss,
)
from tt_critic._gradients import (
    bellman_gradient,
    expectile_gradient,
    policy_gradient,
    tanh_gradient,
)


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def expectile_by_bisection(sample: Tensor, expectile: float) -> float:
    low, high = sample.min().item(), sample.max().item()
    for _ in range(60):
        middle = (low + high) / 2
        above = (sample - middle).clamp(min=0).sum().item()
        below = (middle - sample).clamp(min=0).sum().item()
        low, high = (
            (middle, high)
            if expectile * above > (1 - expectile) * below
            else (low, middle)
        )
    return low


@pytest.mark.parametrize("expectile", [0.1, 0.5, 0.7, 0.9, 0.99])
def test_the_expectile_loss_is_least_at_the_sample_s_expectile(
    expectile: float,
) -> None:
    sample = draw(200)
    best = expectile_by_bisection(sample, expectile)
    losses = [
        expectile_loss(sample - (best + shift), expectile).item()
        for shift in (-1e-3, 0.0, 1e-3)
    ]
    assert losses[1] == min(losses)
    gradient = expectile_gradient(sample - best, expectile).sum().item()
    assert gradient == pytest.approx(0.0, abs=1e-12)
    if expectile == 0.5:
        assert best == pytest.approx(sample.mean().item(), abs=1e-12)


def test_the_expectile_loss_of_two_numbers_by_hand() -> None:
    loss = expectile_loss(torch.tensor([2.0, -1.0]), 0.9)
    assert loss.item() == pytest.approx((0.9 * 4.0 + 0.1 * 1.0) / 2)


def test_a_termination_ends_the_bootstrap_and_a_truncation_does_not() -> None:
    target = bellman_target(
        torch.tensor([1.0, 1.0]),
        torch.tensor([10.0, 10.0]),
        torch.tensor([True, False]),
        0.9,
    )
    assert target.tolist() == pytest.approx([1.0, 10.0])


def test_the_bellman_loss_sums_the_twins_and_averages_the_batch() -> None:
    q = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    assert bellman_loss(q, torch.tensor([0.0, 1.0])).item() == (1 + 1 + 9 + 16) / 2


def test_advantage_weights_are_exponential_and_clipped() -> None:
    weights = advantage_weights(torch.tensor([-1.0, 0.0, 1.0, 2.0, 1e9]), 3.0)
    expected = [math.exp(-3), 1.0, math.exp(3), 100.0, 100.0]
    assert weights.tolist() == pytest.approx(expected)


def test_the_log_probability_is_that_of_independent_normals() -> None:
    actions, mean, log_deviation = draw(5, 3), draw(5, 3, seed=1), draw(3, seed=2)
    covariance = torch.diag(log_deviation.exp().square())
    expected = [
        -0.5 * (row @ covariance.inverse() @ row + (math.tau * covariance).logdet())
        for row in actions - mean
    ]
    found = gaussian_log_probability(actions, mean, log_deviation)
    torch.testing.assert_close(found, torch.stack(expected))


def test_the_policy_loss_weighs_each_sample() -> None:
    loss = policy_loss(torch.tensor([-1.0, -2.0]), torch.tensor([3.0, 10.0]))
    assert loss.item() == (3.0 + 20.0) / 2


def test_every_loss_has_the_gradient_of_finite_differences() -> None:
    def leaf(*shape: int, seed: int) -> Tensor:
        return draw(*shape, seed=seed).requires_grad_()

    target, weights, actions = draw(6), draw(6, seed=1).exp(), draw(6, 2, seed=2)

    def regression(mean: Tensor, log_deviation: Tensor) -> Tensor:
        likelihood = gaussian_log_probability(actions, mean, log_deviation)
        return policy_loss(likelihood, weights)

    check = torch.autograd.gradcheck
    assert check(lambda v: expectile_loss(target - v, 0.9), leaf(6, seed=3))
    assert check(lambda q: bellman_loss(q, target), leaf(2, 6, seed=4))
    assert check(regression, (leaf(6, 2, seed=5), leaf(2, seed=6)))


def central_difference(
    function: Callable[[Tensor], Tensor], at: Tensor, step: float = 1e-6
) -> Tensor:
    gradients = torch.empty_like(at)
    for index in np.ndindex(*at.shape):
        ends = []
        for sign in (1.0, -1.0):
            moved = at.clone()
            moved[index] += sign * step
            ends.append(function(moved))
        gradients[index] = (ends[0] - ends[1]) / (2 * step)
    return gradients


def test_closed_form_gradients_agree_with_finite_differences_of_the_losses() -> None:
    target, value, q = draw(6), draw(6, seed=1), draw(2, 6, seed=2)
    actions, mean = draw(3, 6, seed=3), draw(3, 6, seed=4)
    log_deviation, weights = draw(3, seed=5), draw(6, seed=6).exp()

    def regression(mean: Tensor, log_deviation: Tensor) -> Tensor:
        likelihood = gaussian_log_probability(actions.mT, mean.mT, log_deviation)
        return policy_loss(likelihood, weights)

    def squashed(outputs: Tensor) -> Tensor:
        return regression(torch.tanh(outputs), log_deviation)

    by_mean, by_deviation = policy_gradient(actions, mean, log_deviation, weights)
    flat = torch.tanh(mean)
    at_flat, _ = policy_gradient(actions, flat, log_deviation, weights)
    pairs = [
        (tanh_gradient(at_flat, flat), central_difference(squashed, mean)),
        (
            expectile_gradient(target - value, 0.8),
            central_difference(lambda v: expectile_loss(target - v, 0.8), value),
        ),
        (
            bellman_gradient(q, target),
            central_difference(lambda q: bellman_loss(q, target), q),
        ),
        (by_mean, central_difference(lambda m: regression(m, log_deviation), mean)),
        (
            by_deviation,
            central_difference(lambda d: regression(mean, d), log_deviation),
        ),
    ]
    for closed, measured in pairs:
        torch.testing.assert_close(closed, measured, rtol=1e-6, atol=1e-7)
