"""Conservative Q-learning: Q of actions the data lack is held down (arXiv 2006.04779).

Axes: B batch, K actions for a state, Do observation numbers, Da action numbers. Actions
go from -1 to 1.
"""

import copy
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import torch
from attrs.validators import ge, gt, optional
from torch import Tensor, nn

from tt_bench.interface import Agent
from tt_bench.methods.counts import whole
from tt_bench.methods.critic import Units, check_bounds
from tt_bench.methods.method import Context, Method, Network, Prepared, stepwise
from tt_bench.methods.resumable import Training, time_training
from tt_bench.methods.tanh_policy import Policy
from tt_bench.methods.trained import prepare_trained
from tt_bench.methods.unit_actions import unit_agent, unit_batch
from tt_critic import (
    Batch,
    TwinQ,
    bellman_loss,
    bellman_target,
    descend,
    draw_batch,
    polyak_update,
)

_LARGEST_WEIGHT = 1e6  # of the penalty, where it is learned
_SECONDS_OF_A_ROW = 2e-5  # of a batch and of each drawn action, roughly, on a core


@attrs.frozen
class CQLSettings:
    """How conservative Q-learning is trained: CQL(H), by default for locomotion.

    The defaults are those of the runs that are published for D4RL's version 2
    (CORL, arXiv 2210.07105).

    Attributes:
        steps: Updates.
        batch: Transitions of an update.
        width: Units of each hidden layer.
        layers: Hidden layers.
        actor_rate: Learning rate of the policy and of its entropy's weight.
        critic_rate: Learning rate of Q.
        weight: Weight of the penalty on Q of drawn actions.
        gap: Size that the penalty is held to by a learned factor of its weight;
            None for no such factor.
        least: Lowest penalty that counts, of a state; None for any.
        actions: Actions drawn of each kind: evenly, from the policy at the state, and
            from it at the next.
        best_of: Back up the best of `actions` actions of the policy, not one.
        scale: What rewards are multiplied by.
        shift: What is added to them then.
        target_rate: Share of the way that targets move.
    """

    option: ClassVar[str] = "cql"

    steps: int = attrs.field(default=1_000_000, validator=whole(1))
    batch: int = attrs.field(default=256, validator=whole(1))
    width: int = attrs.field(default=256, validator=whole(1))
    layers: int = attrs.field(default=3, validator=whole(1))
    actor_rate: float = attrs.field(default=3e-5, validator=gt(0.0))
    critic_rate: float = attrs.field(default=3e-4, validator=gt(0.0))
    weight: float = attrs.field(default=10.0, validator=ge(0.0))
    gap: float | None = attrs.field(default=None, validator=optional(gt(0.0)))
    least: float | None = None
    actions: int = attrs.field(default=10, validator=whole(1))
    best_of: bool = False
    scale: float = attrs.field(default=1.0, validator=gt(0.0))
    shift: float = 0.0
    target_rate: float = attrs.field(default=5e-3, validator=gt(0.0))


class Networks(nn.Module):
    """Hold the policy, twin Q with a slow copy, and two learned weights.

    Attributes:
        policy: Gaussian through a tanh.
        twins: Q, twice.
        log_entropy: logarithm of the weight of the policy's entropy.
        log_factor: logarithm of the factor of the penalty's weight.
    """

    def __init__(self, data: Batch, settings: CQLSettings, seed: int):
        """Draw the networks for data like these."""
        super().__init__()
        draws = torch.Generator().manual_seed(seed)
        hidden = (settings.width,) * settings.layers
        sizes = data.observations.shape[1], data.actions.shape[1]
        self.policy = Policy(data.observations, sizes[1], hidden, draws)
        self.twins = TwinQ(*sizes, hidden, draws)
        self.target_twins = copy.deepcopy(self.twins).requires_grad_(False)
        self.log_entropy = nn.Parameter(torch.zeros(()))
        self.log_factor = nn.Parameter(torch.ones(()))

    def q(self, observations: Tensor, actions: Tensor, *, slow: bool = False) -> Tensor:
        """Estimate Q twice: [B, Do], [K, B, Da] -> [2, K, B]."""
        twins = self.target_twins if slow else self.twins
        seen = self.policy.standardise(observations).expand(len(actions), -1, -1)
        estimates: Tensor = twins(seen.flatten(0, 1), actions.flatten(0, 1))
        return estimates.reshape(2, *actions.shape[:2])


def soft_maximum(q: Tensor, densities: Tensor) -> Tensor:
    """Return log of the mean over K of exp Q / density, times K: [2, K, B] -> [2, B].

    With K actions drawn of these log-densities [K, B] it estimates the logarithm of
    the integral of exp Q over all actions, plus log K (appendix F of the paper).
    """
    return torch.logsumexp(q - densities, 1)


def penalties(
    networks: Networks, batch: Batch, even: Tensor, noise: Tensor, least: float | None
) -> Tensor:
    """Return how far Q of drawn actions exceeds that of the data: [2].

    Args:
        networks: nothing of the policy is differentiated.
        batch: transitions.
        even: actions drawn evenly from -1 to 1 [K, B, Da].
        noise: of deviation 1 [2, K, B, Da], for the policy's here and at the next.
        least: lowest that counts, of a state.
    """
    with torch.no_grad():
        here = networks.policy.draw(batch.observations, noise[0])
        after = networks.policy.draw(batch.next_observations, noise[1])
        flat = even.new_full(even.shape[:2], -even.shape[2] * math.log(2))
        actions = torch.cat([even, after.actions, here.actions])
        densities = torch.cat([flat, after.densities, here.densities])
    drawn = soft_maximum(networks.q(batch.observations, actions), densities)
    excess = drawn - networks.q(batch.observations, batch.actions[None])[:, 0]
    return (excess if least is None else excess.clamp(min=least)).mean(1)


def bellman_error(
    networks: Networks, batch: Batch, noise: Tensor, discount: float
) -> Tensor:
    """Return the squared errors of both Q; noise [K, B, Da] draws the next actions.

    Of K the one counts that is best by the lesser slow Q.
    """
    with torch.no_grad():
        chosen = networks.policy.draw(batch.next_observations, noise).actions
        slow = networks.q(batch.next_observations, chosen, slow=True)
        values = slow.amin(0).amax(0)
        target = bellman_target(batch.rewards, values, batch.terminations, discount)
    q = networks.q(batch.observations, batch.actions[None])[:, 0]
    return bellman_loss(q, target)


def policy_losses(
    networks: Networks, batch: Batch, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Return alpha log pi - Q of drawn actions, and the loss of alpha's logarithm.

    The entropy is held to -Da. `noise` is [1, B, Da].
    """
    drawn = networks.policy.draw(batch.observations, noise)
    q = networks.q(batch.observations, drawn.actions).amin(0)
    alpha = networks.log_entropy.detach().exp()
    short = (drawn.densities - noise.shape[2]).detach().mean()
    policy = (alpha * drawn.densities - q).mean()
    return policy, -networks.log_entropy * short


def penalty_factor(networks: Networks, settings: CQLSettings) -> Tensor:
    """Return the factor of the penalty's weight, 1 where none is learned."""
    if settings.gap is None:
        return torch.ones_like(networks.log_factor)
    return networks.log_factor.exp().clamp(max=_LARGEST_WEIGHT)


def begin(context: Context) -> Training:
    """Begin to train a policy and twin Q."""
    settings, device = context.recipe.part(CQLSettings), context.device
    data = unit_batch(context, Units(settings.scale, settings.shift))
    networks = Networks(data, settings, context.seed).to(device)
    optimizers = _optimizers(networks, settings)
    draws = torch.Generator(device).manual_seed(context.seed)

    def update(_: int) -> Tensor:
        batch = draw_batch(data, settings.batch, draws)
        discount = context.recipe.discount
        return _update(networks, optimizers, batch, settings, discount, draws)

    return Training({"networks": networks}, optimizers, draws, update)


def _optimizers(
    networks: Networks, settings: CQLSettings
) -> dict[str, torch.optim.Optimizer]:
    slow, fast = settings.actor_rate, settings.critic_rate
    return {
        "policy": torch.optim.Adam(networks.policy.parameters(), slow),
        "entropy": torch.optim.Adam([networks.log_entropy], slow),
        "twins": torch.optim.Adam(networks.twins.parameters(), fast),
        "factor": torch.optim.Adam([networks.log_factor], fast),
    }


def _update(
    networks: Networks,
    optimizers: dict[str, torch.optim.Optimizer],
    batch: Batch,
    settings: CQLSettings,
    discount: float,
    draws: torch.Generator,
) -> Tensor:
    """Move the policy, the critic and the learned weights; return the Bellman error."""
    even, noise = _draw(batch.actions, settings, draws)
    policy, entropy = policy_losses(networks, batch, noise[2, :1])
    backed_up = noise[3] if settings.best_of else noise[3, :1]
    error = bellman_error(networks, batch, backed_up, discount)
    excess = penalties(networks, batch, even, noise[:2], settings.least)
    weighted = settings.weight * (excess - (settings.gap or 0.0)).sum()
    factor = penalty_factor(networks, settings)
    descend(entropy, optimizers["entropy"])
    descend(policy, optimizers["policy"])
    if settings.gap is not None:
        descend(-factor * weighted.detach() / 2, optimizers["factor"])
    descend(error + factor.detach() * weighted, optimizers["twins"])
    polyak_update(networks.target_twins, networks.twins, settings.target_rate)
    return error.detach()


def _draw(
    actions: Tensor, settings: CQLSettings, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw actions evenly [K, B, Da], and noise for four uses [4, K, B, Da]."""
    even = actions.new_empty(settings.actions, *actions.shape)
    noise = actions.new_empty(4, *even.shape)
    return even.uniform_(-1, 1, generator=draws), noise.normal_(generator=draws)


def _cql(context: Context) -> Prepared:
    return prepare_trained(context, CQL_NETWORK, begin(context), "cql", _agent)


def _agent(context: Context, modules: Mapping[str, Any]) -> Agent:
    return stepwise(context, unit_agent(context, modules["networks"].policy.act))


def _seconds(context: Context, _peak: float) -> float:
    settings = context.recipe.part(CQLSettings)
    rows = settings.batch * (3 * settings.actions + 5)
    return float(settings.steps * rows * _SECONDS_OF_A_ROW)


CQL_NETWORK = Network(
    "cql",
    "networks.npz",
    ("discount", "chunk", CQLSettings),
    CQLSettings,
    lambda context: check_bounds(context.joined),
    lambda context: time_training(begin(context)),
    _seconds,
)
CQL = Method(
    _cql,
    "conservative Q-learning: actions the data lack are worth less",
    networks=(CQL_NETWORK,),
    parts=("executed",),
    published_as=lambda _: "CQL",
)
