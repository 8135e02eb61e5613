"""Implicit Q-learning, stated plainly (Kostrikov et al., 2021, arXiv 2110.06169).

Networks are modules and gradients automatic. `train_critic` makes the same updates with
gradients written by hand, and is tested equal to these. All losses of an update are
taken at the same parameters; the authors' code moves V first and lets Q and the policy
see the new V. Each loss moves its own network alone, so both orders have the same fixed
points, and the difference is one step of the learning rate.

Axes: B batch, Do numbers of an observation, Da of an action.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from tt_critic._batch import Batch
from tt_critic._config import IQLConfig
from tt_critic._losses import (
    advantage_weights,
    bellman_loss,
    bellman_target,
    expectile_loss,
    policy_loss,
)
from tt_critic._networks import HIGHEST, LOWEST, Networks, polyak_update


class Optimizers(NamedTuple):
    """Hold an optimizer for each network, and the schedule of the policy's rate."""

    value: Adam
    q: Adam
    policy: Adam
    schedule: LambdaLR


def make_optimizers(networks: Networks, config: IQLConfig) -> Optimizers:
    """Make Adam for each network; the policy's rate falls along a cosine to 0."""
    parts = networks.value, networks.q, networks.policy
    value, q, policy = (Adam(part.parameters(), config.learning_rate) for part in parts)
    schedule = LambdaLR(policy, lambda step: cosine(step, config.steps))
    return Optimizers(value, q, policy, schedule)


def cosine(step: int, steps: int) -> float:
    """Return the share of the learning rate left before update ``step`` (from 0)."""
    return 0.5 * (1.0 + math.cos(math.pi * step / steps))


def descend(loss: Tensor, optimizer: Optimizer) -> None:
    """Move what an optimizer holds along a loss; all else in the loss is constant."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad()
    torch.autograd.backward(loss, inputs=parameters)
    optimizer.step()


class CriticUpdate(NamedTuple):
    """Say what an update of the critic saw, at the parameters of before.

    Attributes:
        value_loss: Scalar.
        q_loss: Scalar.
        advantages: [B], of the batch's actions by the target Q.
    """

    value_loss: Tensor
    q_loss: Tensor
    advantages: Tensor


class Losses(NamedTuple):
    """Hold the losses of one batch, scalars."""

    value: Tensor
    q: Tensor
    policy: Tensor


def update_critic(
    networks: Networks, optimizers: Optimizers, batch: Batch, config: IQLConfig
) -> CriticUpdate:
    """Move V and both Q along their losses at the same parameters, then the target."""
    observations, actions, rewards, next_observations, terminations = batch
    q = networks.target_q(observations, actions).amin(0)  # [B]
    advantages = q - networks.v(observations)
    value_loss = expectile_loss(advantages, config.expectile)  # equation 5
    next_values = networks.v(next_observations)
    target = bellman_target(rewards, next_values, terminations, config.discount)
    q_loss = bellman_loss(networks.q(observations, actions), target)  # equation 6
    descend(value_loss, optimizers.value)
    descend(q_loss, optimizers.q)
    polyak_update(networks.target_q, networks.q, config.target_rate)
    return CriticUpdate(value_loss.detach(), q_loss.detach(), advantages.detach())


def update(
    networks: Networks, optimizers: Optimizers, batch: Batch, config: IQLConfig
) -> Losses:
    """Make one update of implicit Q-learning.

    Another method of learning a policy is the same `update_critic` and `descend` along
    another loss.

    Args:
        networks: Changed in place.
        optimizers: Of these networks, from `make_optimizers`.
        batch: As `draw_batch` returns it.
        config: Expectile, temperature, discount and target rate are read.

    Returns:
        The losses, at the parameters of before.
    """
    critic = update_critic(networks, optimizers, batch, config)
    weights = advantage_weights(critic.advantages, config.temperature)
    likelihoods = networks.policy.log_probability(batch.observations, batch.actions)
    loss = policy_loss(likelihoods, weights)  # equation 7
    descend(loss, optimizers.policy)
    with torch.no_grad():
        networks.policy.log_deviation.clamp_(LOWEST, HIGHEST)
    optimizers.schedule.step()
    return Losses(critic.value_loss, critic.q_loss, loss.detach())
