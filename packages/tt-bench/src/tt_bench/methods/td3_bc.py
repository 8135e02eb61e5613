"""TD3+BC: an actor that maximises Q and stays near the data (arXiv 2106.06860).

Axes: B batch, Do observation numbers, Da action numbers.
"""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import torch
from attrs.validators import ge, gt
from torch import Tensor, nn

from tt_bench.interface import Agent
from tt_bench.methods.counts import whole
from tt_bench.methods.critic import Units, check_bounds, judged_transitions
from tt_bench.methods.method import Context, Method, Network, Prepared, stepwise
from tt_bench.methods.resumable import Training, time_training
from tt_bench.methods.standardised import Standardised
from tt_bench.methods.task import Task
from tt_bench.methods.trained import prepare_trained
from tt_bench.methods.unit_actions import policy_agent
from tt_critic import (
    Batch,
    TwinQ,
    as_batch,
    bellman_loss,
    bellman_target,
    descend,
    draw_batch,
    perceptron,
    polyak_update,
)

_SECONDS_OF_A_STEP = 8e-3  # roughly, on a processor core


@attrs.frozen
class TD3BCSettings:
    """How TD3+BC is trained; the paper has a million steps.

    Attributes:
        steps: Updates of the critic.
        batch: Transitions of an update.
        width: Units of each of the two hidden layers.
        learning_rate: Learning rate of Adam.
        alpha: Weight of Q, in units of its mean size, against staying near the data.
        noise: Standard deviation of the target's actions, of half their range.
        noise_limit: What that noise is clipped at, of half the range.
        delay: Updates of the critic for each of the actor and the targets.
        target_rate: Share of the way that targets move.
    """

    option: ClassVar[str] = "td3_bc"

    steps: int = attrs.field(default=100_000, validator=whole(1))
    batch: int = attrs.field(default=256, validator=whole(1))
    width: int = attrs.field(default=256, validator=whole(1))
    learning_rate: float = attrs.field(default=3e-4, validator=gt(0.0))
    alpha: float = attrs.field(default=2.5, validator=ge(0.0))
    noise: float = attrs.field(default=0.2, validator=ge(0.0))
    noise_limit: float = attrs.field(default=0.5, validator=ge(0.0))
    delay: int = attrs.field(default=2, validator=whole(1))
    target_rate: float = attrs.field(default=5e-3, validator=gt(0.0))


class Actor(Standardised):
    """Act without noise within bounds: [B, Do] -> [B, Da]."""

    middle: Tensor
    reach: Tensor

    def __init__(self, data: Batch, task: Task, hidden: tuple[int, ...], seed: int):
        """Draw the network; observations are standardised as the data's are."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        inputs, outputs = data.observations.shape[1], data.actions.shape[1]
        self.network = perceptron(inputs, hidden, outputs, generator)
        low, high = torch.from_numpy(task.low), torch.from_numpy(task.high)
        self.keep_moments(data.observations.cpu())
        self.register_buffer("middle", (high + low) / 2)
        self.register_buffer("reach", (high - low) / 2)

    def forward(self, observations: Tensor) -> Tensor:
        """Return the actions."""
        squashed: Tensor = self.network(self.standardise(observations)).tanh()
        return self.middle + self.reach * squashed


class Networks(nn.Module):
    """Hold the actor, twin Q, and a slow copy of each."""

    def __init__(self, data: Batch, task: Task, settings: TD3BCSettings, seed: int):
        """Draw the networks."""
        super().__init__()
        hidden = (settings.width, settings.width)
        self.actor = Actor(data, task, hidden, seed)
        generator = torch.Generator().manual_seed(seed + 1)
        sizes = data.observations.shape[1], data.actions.shape[1]
        self.twins = TwinQ(*sizes, hidden, generator)
        self.target_actor = copy.deepcopy(self.actor).requires_grad_(False)
        self.target_twins = copy.deepcopy(self.twins).requires_grad_(False)

    def q(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Estimate Q twice: [2, B]."""
        estimates: Tensor = self.twins(self.actor.standardise(observations), actions)
        return estimates


def critic_loss(
    networks: Networks,
    batch: Batch,
    noise: Tensor,
    settings: TD3BCSettings,
    discount: float,
) -> Tensor:
    """Return the squared error of both Q against the target's smoothed action.

    `noise` [B, Da] has deviation 1; its share of the range is the settings'.
    """
    actor = networks.target_actor
    limit = settings.noise_limit
    smoothing = actor.reach * (settings.noise * noise).clamp(-limit, limit)
    chosen = actor(batch.next_observations) + smoothing
    chosen = torch.clamp(chosen, actor.middle - actor.reach, actor.middle + actor.reach)
    standard = actor.standardise(batch.next_observations)
    values = networks.target_twins(standard, chosen).amin(0)
    target = bellman_target(batch.rewards, values, batch.terminations, discount)
    return bellman_loss(networks.q(batch.observations, batch.actions), target.detach())


def actor_loss(networks: Networks, batch: Batch, alpha: float) -> Tensor:
    """Return (pi(s) - a)^2 - alpha Q(s, pi(s)) / mean |Q| (equation 5)."""
    chosen = networks.actor(batch.observations)
    q = networks.q(batch.observations, chosen)[0]
    away = ((chosen - batch.actions) / networks.actor.reach).square().mean()
    loss: Tensor = away - alpha * q.mean() / q.abs().mean().detach()
    return loss


def begin(context: Context) -> Training:
    """Begin to train an actor and twin Q on the data's own rewards."""
    settings, task = context.recipe.part(TD3BCSettings), context.joined
    data = as_batch(
        judged_transitions(context.episodes, task, Units(1.0, 0.0)),
        (task.low, task.high),
        context.device,
    )
    networks = Networks(data, task, settings, context.seed).to(context.device)
    twins, actor = (
        torch.optim.Adam(part.parameters(), settings.learning_rate)
        for part in (networks.twins, networks.actor)
    )
    draws = torch.Generator(context.device).manual_seed(context.seed)

    def update(step: int) -> Tensor:
        batch = draw_batch(data, settings.batch, draws)
        noise = torch.randn(batch.actions.shape, generator=draws, device=context.device)
        loss = critic_loss(networks, batch, noise, settings, context.recipe.discount)
        descend(loss, twins)
        if (step + 1) % settings.delay == 0:
            descend(actor_loss(networks, batch, settings.alpha), actor)
            polyak_update(networks.target_twins, networks.twins, settings.target_rate)
            polyak_update(networks.target_actor, networks.actor, settings.target_rate)
        return loss.detach()

    optimizers = {"twins": twins, "actor": actor}
    return Training({"networks": networks}, optimizers, draws, update)


def _td3_bc(context: Context) -> Prepared:
    return prepare_trained(context, TD3_BC_NETWORK, begin(context), "td3+bc", _agent)


def _agent(context: Context, modules: Mapping[str, Any]) -> Agent:
    return stepwise(context, policy_agent(context, modules["networks"].actor))


def _seconds(context: Context, _peak: float) -> float:
    steps: int = context.recipe.part(TD3BCSettings).steps
    return steps * _SECONDS_OF_A_STEP


TD3_BC_NETWORK = Network(
    "td3-bc",
    "networks.npz",
    ("discount", "chunk", TD3BCSettings),
    TD3BCSettings,
    lambda context: check_bounds(context.joined),
    lambda context: time_training(begin(context)),
    _seconds,
)
TD3_BC = Method(
    _td3_bc,
    "Q-learning's actor that stays near the data",
    networks=(TD3_BC_NETWORK,),
    parts=("executed",),
    published_as=lambda _: "TD3+BC",
)
