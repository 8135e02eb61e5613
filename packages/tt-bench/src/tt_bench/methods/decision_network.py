"""The network of a decision transformer, and what it reads (arXiv 2106.01345).

Axes: B sequences, T steps in a row, N transitions, Do observation numbers, Da action
numbers.
"""

from typing import Any, ClassVar, NamedTuple

import attrs
import numpy as np
import torch
from attrs.validators import ge, gt, lt, optional
from torch import Tensor, nn

from tt_bench.data import Episodes
from tt_bench.interface import FloatArray
from tt_bench.methods.counts import whole
from tt_bench.methods.task import Task

KINDS = 3  # tokens of a step: the return asked for, the observation, the action
_SMALLEST_DEVIATION = 1e-3


@attrs.frozen
class DecisionSettings:
    """How a decision transformer is trained; the defaults are the paper's.

    Attributes:
        steps: Gradient steps.
        batch: Sequences of a step.
        context: Steps of the environment that a sequence has.
        layers: Blocks.
        heads: Attention heads of a block.
        width: Features of a token.
        dropout: Rate of dropout in training.
        learning_rate: Peak of AdamW's.
        warm_up: Steps in which it rises from 0, to stay there.
        decay: Weight decay.
        norm: Largest norm of the gradient.
        scale: What returns are divided by, the paper's 1000 for locomotion; None for
            the largest of the data.
    """

    option: ClassVar[str] = "dt"

    steps: int = attrs.field(default=100_000, validator=whole(1))
    batch: int = attrs.field(default=64, validator=whole(1))
    context: int = attrs.field(default=20, validator=whole(1))
    layers: int = attrs.field(default=3, validator=whole(1))
    heads: int = attrs.field(default=1, validator=whole(1))
    width: int = attrs.field(default=128, validator=whole(1))
    dropout: float = attrs.field(default=0.1, validator=[ge(0.0), lt(1.0)])
    learning_rate: float = attrs.field(default=1e-4, validator=gt(0.0))
    warm_up: int = attrs.field(default=10_000, validator=whole(0))
    decay: float = attrs.field(default=1e-4, validator=ge(0.0))
    norm: float = attrs.field(default=0.25, validator=gt(0.0))
    scale: float | None = attrs.field(default=None, validator=optional(gt(0.0)))


class Windows(NamedTuple):
    """Steps of episodes in a row; where an episode ends before, the rest is unseen.

    Attributes:
        asked: returns from each step on, in the network's units [B, T].
        observations: [B, T, Do].
        actions: [B, T, Da].
        steps: of the episode, from 0, int64 [B, T].
        seen: whether the step is of the episode, bool [B, T].
    """

    asked: Tensor
    observations: Tensor
    actions: Tensor
    steps: Tensor
    seen: Tensor


class DecisionTransformer(nn.Module):
    """Predict each action from what was asked, seen and done up to it."""

    mean: Tensor
    deviation: Tensor
    middle: Tensor
    reach: Tensor

    def __init__(self, episodes: Episodes, task: Task, settings: DecisionSettings):
        """Draw the network from the global generator, for data and a task like these.

        Raises:
            ValueError: the heads do not share the width evenly.
        """
        super().__init__()
        if settings.width % settings.heads:
            raise ValueError(
                f"expected --dt.width to be a multiple of --dt.heads, got "
                f"{settings.width} and {settings.heads}"
            )
        seen, width = episodes.observations, settings.width
        longest = max(task.steps, int(episodes.lengths.max()))
        self.of_step = nn.Embedding(longest, width)
        self.of_return = nn.Linear(1, width)
        self.of_observation = nn.Linear(seen.shape[1], width)
        self.of_action = nn.Linear(episodes.actions.shape[1], width)
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(settings.dropout)
        self.blocks = _blocks(settings)
        self.choose = nn.Linear(width, episodes.actions.shape[1])
        self._keep("mean", seen.mean(0, np.float64))
        deviation = seen.std(0, dtype=np.float64)
        self._keep("deviation", np.maximum(deviation, _SMALLEST_DEVIATION))
        self._keep("middle", (task.high + task.low) / 2)
        self._keep("reach", (task.high - task.low) / 2)

    def _keep(self, name: str, numbers: Any) -> None:
        self.register_buffer(name, torch.from_numpy(np.asarray(numbers, np.float32)))

    def forward(self, windows: Windows) -> Tensor:
        """Return the action of every step, of which its own is not read: [B, T, Da]."""
        standard = (windows.observations - self.mean) / self.deviation
        of_step = self.of_step(windows.steps)
        kinds = (
            self.of_return(windows.asked[..., None]) + of_step,
            self.of_observation(standard) + of_step,
            self.of_action(windows.actions) + of_step,
        )
        tokens = self.drop(self.norm(torch.stack(kinds, 2).flatten(1, 2)))
        length = tokens.shape[1]  # T times the kinds
        mask = nn.Transformer.generate_square_subsequent_mask(length, tokens.device)
        read = self.blocks(tokens, mask=mask, is_causal=True)
        chosen: Tensor = torch.tanh(self.choose(read[:, 1::KINDS]))
        return self.middle + self.reach * chosen


def _blocks(settings: DecisionSettings) -> nn.TransformerEncoder:
    """Build GPT-2's blocks as the paper has them: norms first, ReLU, small weights."""
    block = nn.TransformerEncoderLayer(
        settings.width,
        settings.heads,
        4 * settings.width,
        settings.dropout,
        batch_first=True,
        norm_first=True,
    )
    blocks = nn.TransformerEncoder(
        block, settings.layers, nn.LayerNorm(settings.width), enable_nested_tensor=False
    )
    for parameter in blocks.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.02)
    return blocks


def returns_to_go(episodes: Episodes) -> FloatArray:
    """Sum the rewards from each step to the end of its episode: [N]."""
    total = np.cumsum(episodes.rewards, dtype=np.float64)
    last = np.repeat(total[episodes.ends - 1], episodes.lengths)
    return (last - total + episodes.rewards).astype(np.float32)


class Data(NamedTuple):
    """Episodes on a device.

    Attributes:
        asked: return from each transition on, in the network's units [N].
        observations: [N, Do].
        actions: [N, Da].
        steps: of each transition within its episode, int64 [N].
        ends: exclusive end of the episode of each transition, int64 [N].
    """

    asked: Tensor
    observations: Tensor
    actions: Tensor
    steps: Tensor
    ends: Tensor

    @classmethod
    def of(cls, episodes: Episodes, scale: float, device: str) -> "Data":
        """Put episodes on a device."""
        ends = np.repeat(episodes.ends, episodes.lengths)
        starts = ends - np.repeat(episodes.lengths, episodes.lengths)
        parts = (
            returns_to_go(episodes) / np.float32(scale),
            episodes.observations,
            episodes.actions,
            np.arange(len(episodes)) - starts,
            ends,
        )
        return cls(*(torch.from_numpy(part).to(device) for part in parts))

    def windows(self, first: Tensor, length: int) -> Windows:
        """Gather so many steps from the `first` [B] of each sequence on."""
        rows = first[:, None] + torch.arange(length, device=first.device)
        seen = rows < self.ends[first][:, None]
        rows = torch.where(seen, rows, first[:, None])
        asked, observations, actions, steps, _ = (part[rows] for part in self)
        return Windows(asked, observations, actions, steps, seen)


def action_error(network: DecisionTransformer, windows: Windows) -> Tensor:
    """Return the mean squared error of the actions that were seen."""
    # what is unseen comes last, where nothing that counts attends to it
    error = (network(windows) - windows.actions).square().mean(-1)
    loss: Tensor = error[windows.seen].mean()
    return loss
