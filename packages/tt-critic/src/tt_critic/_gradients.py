"""Derivatives of the losses at the networks' outputs, in closed form.

Each agrees with automatic differentiation of its namesake in ``_losses``, and takes a
quarter of its time on a batch of a few hundred. Features come first, as in the stack: A
numbers of an action, B batch; any axes in front of them are of critics that learn at
once.
"""

import torch
from torch import Tensor

from tt_critic._losses import expectile_weights


def expectile_gradient(difference: Tensor, expectile: float) -> Tensor:
    """Differentiate the expectile loss by the prediction: [B] -> [B]."""
    weights = expectile_weights(difference, expectile)
    return weights.mul_(difference).mul_(-2.0 / difference.shape[-1])


def bellman_gradient(q: Tensor, target: Tensor) -> Tensor:
    """Differentiate the Bellman loss by both Q: [2, B], [B] -> [2, B]."""
    return (q - target).mul_(2.0 / target.shape[-1])


def tanh_gradient(gradient: Tensor, outputs: Tensor) -> Tensor:
    """Carry a gradient [A, B] back through the tanh that gave outputs [A, B]."""
    return gradient.mul_(1.0 - outputs.square())


def policy_gradient(
    actions: Tensor, mean: Tensor, log_deviation: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Differentiate the policy loss by the mean and by the log-deviation.

    Args:
        actions: [A, B].
        mean: [A, B].
        log_deviation: [A].
        weights: [B].

    Returns:
        [A, B] and [A].
    """
    precision = torch.exp(-log_deviation)[..., None]
    scaled = (mean - actions).mul_(precision)  # [A, B]
    shares = weights / weights.shape[-1]
    weighted = scaled * shares[..., None, :]
    by_deviation = shares.sum(-1, keepdim=True) - (weighted * scaled).sum(-1)
    return weighted.mul_(precision), by_deviation
