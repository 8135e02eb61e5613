"""ReBRAC: actor and critic both stay near the data's actions (arXiv 2305.09836).

Axes: B batch, Do observation numbers, Da action numbers. Actions go from -1 to 1.
"""

import copy
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import attrs
import numpy as np
import torch
from attrs.validators import ge, gt
from torch import Tensor, nn

from tt_bench.interface import Agent
from tt_bench.methods.counts import whole
from tt_bench.methods.critic import Units, check_bounds
from tt_bench.methods.method import Context, Method, Network, Prepared, stepwise
from tt_bench.methods.resumable import Training, time_training
from tt_bench.methods.trained import prepare_trained
from tt_bench.methods.unit_actions import unit_agent, unit_batch
from tt_critic import Batch, bellman_loss, bellman_target, descend, polyak_update

_BIAS, _ACTOR_BOUND, _CRITIC_BOUND = 0.1, 1e-3, 3e-3  # of fresh layers
_SECONDS_OF_A_ROW = 5e-5  # of a batch, roughly, on a processor core


@attrs.frozen
class ReBRACSettings:
    """How ReBRAC is trained; the defaults are the paper's for locomotion.

    Attributes:
        steps: Updates of the critic.
        batch: Transitions of an update.
        width: Units of each hidden layer.
        layers: Hidden layers.
        actor_rate: Learning rate of the actor.
        critic_rate: Learning rate of the critic.
        actor_penalty: Weight of the actor's distance from the data's action.
        critic_penalty: Weight of that of the target's action from the data's next.
        scale: What rewards are multiplied by.
        noise: Standard deviation of the target's actions.
        noise_limit: What that noise is clipped at.
        delay: Updates of the critic for each of the actor and the targets.
        target_rate: Share of the way that targets move.
    """

    option: ClassVar[str] = "rebrac"

    steps: int = attrs.field(default=1_000_000, validator=whole(1))
    batch: int = attrs.field(default=1_024, validator=whole(1))
    width: int = attrs.field(default=256, validator=whole(1))
    layers: int = attrs.field(default=3, validator=whole(1))
    actor_rate: float = attrs.field(default=1e-3, validator=gt(0.0))
    critic_rate: float = attrs.field(default=1e-3, validator=gt(0.0))
    actor_penalty: float = attrs.field(default=0.01, validator=ge(0.0))
    critic_penalty: float = attrs.field(default=0.01, validator=ge(0.0))
    scale: float = attrs.field(default=1.0, validator=gt(0.0))
    noise: float = attrs.field(default=0.2, validator=ge(0.0))
    noise_limit: float = attrs.field(default=0.5, validator=ge(0.0))
    delay: int = attrs.field(default=2, validator=whole(1))
    target_rate: float = attrs.field(default=5e-3, validator=gt(0.0))


class Steps(NamedTuple):
    """Transitions, and the data's next actions [B, Da]: any after a termination."""

    batch: Batch
    next_actions: Tensor

    def rows(self, chosen: Tensor) -> "Steps":
        """Return some of them."""
        batch = Batch(*(column[chosen] for column in self.batch))
        return Steps(batch, self.next_actions[chosen])


def steps_of(context: Context) -> Steps:
    """Return the transitions whose next action is known, or that have none.

    Raises:
        ValueError: there are none, as every episode is one step and cut.
    """
    settings, episodes = context.recipe.part(ReBRACSettings), context.episodes
    batch = unit_batch(context, Units(settings.scale, 0.0))
    known = np.ones(len(episodes), np.bool_)
    known[episodes.ends - 1] = episodes.terminated
    if not known.any():
        raise ValueError(
            "expected episodes of two steps or more, or that terminate, got "
            f"{len(known)} cut after one: leave rebrac out"
        )
    rows = torch.from_numpy(np.flatnonzero(known)).to(context.device)
    return Steps(batch, batch.actions.roll(-1, 0)).rows(rows)


def layers(
    sizes: tuple[int, ...], bound: float, draws: torch.Generator, *, norm: bool
) -> nn.Sequential:
    """Build linear layers, each but the last with ReLU and perhaps a layer norm.

    The last weights and biases are drawn up to a bound, other weights up to that of
    torch's default.
    """
    modules: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        last = len(modules) // (3 if norm else 2) == len(sizes) - 2
        linear = nn.Linear(fan_in, fan_out, device="meta").to_empty(device="cpu")
        reach = bound if last else fan_in**-0.5
        nn.init.uniform_(linear.weight, -reach, reach, generator=draws)
        if last:
            nn.init.uniform_(linear.bias, -bound, bound, generator=draws)
        else:
            nn.init.constant_(linear.bias, _BIAS)
        modules += [linear, nn.ReLU(), *([nn.LayerNorm(fan_out)] if norm else [])]
    return nn.Sequential(*modules[: -2 if norm else -1])


class Networks(nn.Module):
    """Hold the actor, two critics with layer norms, and a slow copy of each."""

    def __init__(self, data: Batch, settings: ReBRACSettings, seed: int):
        """Draw the networks for data like these."""
        super().__init__()
        draws = torch.Generator().manual_seed(seed)
        seen, done = data.observations.shape[1], data.actions.shape[1]
        hidden = (settings.width,) * settings.layers
        self.actor = layers((seen, *hidden, done), _ACTOR_BOUND, draws, norm=False)
        sizes = (seen + done, *hidden, 1)
        self.critics = nn.ModuleList(
            layers(sizes, _CRITIC_BOUND, draws, norm=True) for _ in range(2)
        )
        self.target_actor = copy.deepcopy(self.actor).requires_grad_(False)
        self.target_critics = copy.deepcopy(self.critics).requires_grad_(False)

    def act(self, observations: Tensor) -> Tensor:
        """Choose actions: [B, Do] -> [B, Da]."""
        actions: Tensor = self.actor(observations).tanh()
        return actions

    def q(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Estimate Q twice: [2, B]."""
        return _both(self.critics, observations, actions)

    def target_q(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Estimate Q twice by the slow copies: [2, B]."""
        return _both(self.target_critics, observations, actions)


def _both(critics: nn.ModuleList, observations: Tensor, actions: Tensor) -> Tensor:
    pairs = torch.cat([observations, actions], 1)
    return torch.stack([critic(pairs)[:, 0] for critic in critics])


def critic_loss(
    networks: Networks,
    steps: Steps,
    noise: Tensor,
    settings: ReBRACSettings,
    discount: float,
) -> Tensor:
    """Return the squared error of both Q against a target that stays near the data.

    From the Q of the target's action its squared distance from the data's next action
    is taken. `noise` [B, Da] has deviation 1.
    """
    batch, limit = steps.batch, settings.noise_limit
    smoothing = (settings.noise * noise).clamp(-limit, limit)
    chosen = networks.target_actor(batch.next_observations).tanh() + smoothing
    chosen = chosen.clamp(-1.0, 1.0)
    away = (chosen - steps.next_actions).square().sum(1)
    values = networks.target_q(batch.next_observations, chosen).amin(0)
    values = values - settings.critic_penalty * away
    target = bellman_target(batch.rewards, values, batch.terminations, discount)
    return bellman_loss(networks.q(batch.observations, batch.actions), target.detach())


def actor_loss(networks: Networks, batch: Batch, penalty: float) -> Tensor:
    """Return penalty |pi(s) - a|^2 - Q(s, pi(s)) / mean |Q|."""
    chosen = networks.act(batch.observations)
    q = networks.q(batch.observations, chosen).amin(0)
    away = (chosen - batch.actions).square().sum(1)
    loss: Tensor = (penalty * away - q / q.abs().mean().detach()).mean()
    return loss


def begin(context: Context) -> Training:
    """Begin to train an actor and two critics on the data's own rewards."""
    settings, data = context.recipe.part(ReBRACSettings), steps_of(context)
    networks = Networks(data.batch, settings, context.seed).to(context.device)
    critics = torch.optim.Adam(networks.critics.parameters(), settings.critic_rate)
    actor = torch.optim.Adam(networks.actor.parameters(), settings.actor_rate)
    draws = torch.Generator(context.device).manual_seed(context.seed)
    count, shape = len(data.next_actions), (settings.batch,)

    def update(step: int) -> Tensor:
        drawn = torch.randint(count, shape, generator=draws, device=context.device)
        steps = data.rows(drawn)
        noise = steps.next_actions.new_empty(steps.next_actions.shape)
        noise.normal_(generator=draws)
        loss = critic_loss(networks, steps, noise, settings, context.recipe.discount)
        descend(loss, critics)
        if (step + 1) % settings.delay == 0:
            descend(actor_loss(networks, steps.batch, settings.actor_penalty), actor)
            rate = settings.target_rate
            polyak_update(networks.target_critics, networks.critics, rate)
            polyak_update(networks.target_actor, networks.actor, rate)
        return loss.detach()

    optimizers = {"critics": critics, "actor": actor}
    return Training({"networks": networks}, optimizers, draws, update)


def _rebrac(context: Context) -> Prepared:
    return prepare_trained(context, REBRAC_NETWORK, begin(context), "rebrac", _agent)


def _agent(context: Context, modules: Mapping[str, Any]) -> Agent:
    return stepwise(context, unit_agent(context, modules["networks"].act))


def _seconds(context: Context, _peak: float) -> float:
    settings = context.recipe.part(ReBRACSettings)
    return float(settings.steps * settings.batch * _SECONDS_OF_A_ROW)


REBRAC_NETWORK = Network(
    "rebrac",
    "networks.npz",
    ("discount", "chunk", ReBRACSettings),
    ReBRACSettings,
    lambda context: check_bounds(context.joined),
    lambda context: time_training(begin(context)),
    _seconds,
)
REBRAC = Method(
    _rebrac,
    "Q-learning whose actor and critic stay near the data",
    networks=(REBRAC_NETWORK,),
    parts=("executed",),
    published_as=lambda _: "ReBRAC",
)
