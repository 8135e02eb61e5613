"""Losses of implicit Q-learning (Kostrikov et al., 2021, arXiv 2110.06169).

Axes: B batch, A numbers of an action. Nothing here detaches: whoever differentiates
decides which argument is constant.
"""

import math

import torch
from torch import Tensor


def expectile_weights(difference: Tensor, expectile: float) -> Tensor:
    """Return |expectile - 1(u < 0)|: [B]."""
    return (expectile - (difference < 0).to(difference.dtype)).abs()


def expectile_loss(difference: Tensor, expectile: float) -> Tensor:
    """Average the asymmetric square |expectile - 1(u < 0)| u^2 (equations 4 and 5).

    Args:
        difference: [B], target minus prediction; for V it is Q(s, a) - V(s).
        expectile: Between 0 and 1; 0.5 gives half the mean squared error.

    Returns:
        Scalar.
    """
    return (expectile_weights(difference, expectile) * difference.square()).mean()


def bellman_target(
    rewards: Tensor, next_values: Tensor, terminations: Tensor, discount: float
) -> Tensor:
    """Back up r + discount V(s'), without V where the episode terminated (equation 6).

    Args:
        rewards: [B].
        next_values: [B], V of the next observation.
        terminations: [B], bool or 0 / 1; a time limit is no termination.
        discount: Of one step.

    Returns:
        [B].
    """
    return rewards + discount * (1.0 - terminations.to(rewards.dtype)) * next_values


def bellman_loss(q: Tensor, target: Tensor) -> Tensor:
    """Average over the batch the squared errors of both Q, summed (equation 6).

    Args:
        q: [2, B], the twins.
        target: [B].

    Returns:
        Scalar.
    """
    return (q - target).square().sum(0).mean()


def advantage_weights(
    advantages: Tensor, temperature: float, limit: float = 100.0
) -> Tensor:
    """Weigh samples by exp(temperature * advantage), at most ``limit`` (equation 7).

    Args:
        advantages: [B], Q(s, a) - V(s).
        temperature: The paper's beta; 0 gives behaviour cloning.
        limit: Largest weight.

    Returns:
        [B].
    """
    return torch.exp(temperature * advantages).clamp(max=limit)


def gaussian_log_probability(
    actions: Tensor, mean: Tensor, log_deviation: Tensor
) -> Tensor:
    """Return the log-density of actions under independent Gaussians.

    Args:
        actions: [B, A].
        mean: [B, A].
        log_deviation: [A], the same in every state.

    Returns:
        [B].
    """
    scaled = (actions - mean) * torch.exp(-log_deviation)
    constant = 0.5 * math.log(2.0 * math.pi)
    return -(0.5 * scaled.square() + log_deviation + constant).sum(-1)


def policy_loss(log_probabilities: Tensor, weights: Tensor) -> Tensor:
    """Average the negative log-likelihood under advantage weights (equation 7).

    Args:
        log_probabilities: [B].
        weights: [B], see `advantage_weights`.

    Returns:
        Scalar.
    """
    return -(weights * log_probabilities).mean()
