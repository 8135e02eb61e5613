"""Decision Transformer: asked for a return, act as data with it did (arXiv 2106.01345).

Axes: B environments, Do observation numbers, Da action numbers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from tt_bench.interface import Agent, BoolArray, FloatArray
from tt_bench.methods.critic import check_bounds
from tt_bench.methods.decision_network import (
    KINDS,
    Data,
    DecisionSettings,
    DecisionTransformer,
    Windows,
    action_error,
)
from tt_bench.methods.method import Context, Method, Network, Prepared, stepwise
from tt_bench.methods.resumable import Training, time_training
from tt_bench.methods.trained import prepare_trained

_SECONDS_OF_A_WEIGHT = 2e-10  # of each token, forth and back; roughly, on a core


@attrs.frozen
class AskedSettings:
    """What a decision transformer is asked for.

    Attributes:
        target: Return of an episode; None for the best of the data.
    """

    option: ClassVar[str] = "dt_asked"

    target: float | None = None


def begin(context: Context) -> Training:
    """Begin to train on sequences that begin at any step of the data alike."""
    settings, device = context.recipe.part(DecisionSettings), context.device
    network = new_network(context).to(device)
    data = Data.of(context.episodes, return_scale(context), device)
    optimizer = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.decay
    )
    draws = torch.Generator(device).manual_seed(context.seed)

    def update(step: int) -> Tensor:
        rise = min(1.0, (step + 1) / max(1, settings.warm_up))
        optimizer.param_groups[0]["lr"] = settings.learning_rate * rise
        first = torch.randint(
            len(data.steps), (settings.batch,), generator=draws, device=device
        )
        optimizer.zero_grad()
        with _seeded((context.seed, step), device):  # what dropout draws
            loss = action_error(network, data.windows(first, settings.context))
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), settings.norm)
        optimizer.step()
        return loss.detach()

    return Training({"network": network}, {"adam": optimizer}, draws, update)


def new_network(context: Context) -> DecisionTransformer:
    """Draw the network of a context, leaving the global generator as it was."""
    settings = context.recipe.part(DecisionSettings)
    with _seeded((context.seed,), "cpu"):
        return DecisionTransformer(context.episodes, context.joined, settings)


@contextmanager
def _seeded(seed: tuple[int, ...], device: str) -> Iterator[None]:
    """Seed the global generator here, which is as it was afterwards."""
    with torch.random.fork_rng([] if device == "cpu" else [device]):
        drawn = np.random.SeedSequence(seed).generate_state(1, np.uint64)
        torch.manual_seed(int(drawn[0]))
        yield


def return_scale(context: Context) -> float:
    """Return what returns are divided by."""
    scale: float | None = context.recipe.part(DecisionSettings).scale
    if scale is None:
        scale = float(np.abs(context.episodes.returns()).max()) or 1.0
    return scale


class DecisionAgent:
    """Ask a network for a return, less what has been earned.

    Args:
        network: it is in evaluation mode from here on.
        target: the return to ask for.
        scale: what returns are divided by.
        context: steps that an action is chosen from, the present one included.
    """

    def __init__(
        self, network: DecisionTransformer, *, target: float, scale: float, context: int
    ) -> None:
        """Compose the parts."""
        self._network = network.eval()
        self._target, self._scale, self._context = target, scale, context
        self.start(0, 0)

    def start(self, count: int, seed: int, /) -> None:
        """Forget everything; nothing is random."""
        del seed
        self._step = 0
        self._asked = np.full(count, self._target, np.float64)
        self._past: list[tuple[FloatArray, FloatArray, FloatArray]] = []

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Choose actions [B, Da] of the active rows; others get zeros."""
        actions = np.zeros((len(observations), len(self._network.middle)), np.float32)
        asked = (self._asked / self._scale).astype(np.float32)
        self._past.append((asked, observations.copy(), actions))
        del self._past[: -self._context]
        actions[active] = self._choose(active)
        return actions

    @torch.no_grad()
    def _choose(self, active: BoolArray) -> FloatArray:
        device = self._network.mean.device
        parts = (np.stack(part, 1)[active] for part in zip(*self._past, strict=True))
        asked, observations, actions = (torch.from_numpy(p).to(device) for p in parts)
        last = min(self._step, self._network.of_step.num_embeddings - 1)
        steps = torch.arange(last - len(self._past) + 1, last + 1, device=device)
        steps = steps.clamp(min=0).expand(len(asked), -1)
        seen = torch.ones_like(steps, dtype=torch.bool)
        windows = Windows(asked, observations, actions, steps, seen)
        chosen: FloatArray = self._network(windows)[:, -1].cpu().numpy()
        return chosen

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Ask for less by what was earned [B]."""
        asked, observations, _ = self._past[-1]
        self._past[-1] = (asked, observations, actions.copy())
        self._asked = self._asked - np.where(active, rewards, 0.0)
        self._step += 1


def _decision_transformer(context: Context) -> Prepared:
    return prepare_trained(context, DECISION_NETWORK, begin(context), "dt", _agent)


def _agent(context: Context, modules: Mapping[str, Any]) -> Agent:
    target = context.recipe.part(AskedSettings).target
    if target is None:
        target = float(context.episodes.returns().max())
    agent = DecisionAgent(
        modules["network"],
        target=target,
        scale=return_scale(context),
        context=context.recipe.part(DecisionSettings).context,
    )
    return stepwise(context, agent)


def _seconds(context: Context, _peak: float) -> float:
    settings = context.recipe.part(DecisionSettings)
    tokens = settings.steps * settings.batch * settings.context * KINDS
    weights = 12 * settings.layers * settings.width**2
    return float(tokens * weights * _SECONDS_OF_A_WEIGHT)


def _check(context: Context) -> None:
    check_bounds(context.joined)
    new_network(context)


DECISION_NETWORK = Network(
    "decision-transformer",
    "network.npz",
    ("chunk", DecisionSettings),
    DecisionSettings,
    _check,
    lambda context: time_training(begin(context)),
    _seconds,
)
DT = Method(
    _decision_transformer,
    "decision transformer, asked for a return",
    networks=(DECISION_NETWORK,),
    parts=("executed", AskedSettings),
    published_as=lambda _: "Decision Transformer",
)
