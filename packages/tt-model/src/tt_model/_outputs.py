"""From features to logits: one output for each position of a transition.

Axes: R rows, T tokens, P positions of a transition, N transitions, V bins, D features.
"""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from tt_model._config import TransformerConfig
from tt_model._per_position import PositionLinear, group, in_order
from tt_model._ranks import rank_features


class Head(nn.Module):
    """One linear output without bias for each position of a transition."""

    def __init__(self, config: TransformerConfig) -> None:
        """Allocate weight [P, V + 1, D]."""
        super().__init__()
        shape = (config.transition, config.vocabulary + 1, config.width)
        self.weight = nn.Parameter(torch.empty(shape))

    def forward(self, x: Tensor, _tokens: Tensor) -> Tensor:
        """Map features [R, T, D], T a multiple of P, to logits [R, T, V + 1]."""
        batch = x.shape[0]
        grouped = rearrange(x, "b (t p) d -> p (b t) d", p=self.weight.shape[0])
        logits = torch.bmm(grouped, self.weight.transpose(1, 2))
        return rearrange(logits, "p (b t) v -> b (t p) v", b=batch)

    def at(self, x: Tensor, position: int, _last: Tensor | None = None) -> Tensor:
        """Map features [R, D] at one position of a transition to logits [R, V + 1]."""
        return F.linear(x, self.weight[position])


class RelativeHead(nn.Module):
    """Add up logits of every bin, smooth ones, and those by distance from the last.

    The last token of the column to be predicted is known but for the first transition
    and masked columns; where it is not known, or the stop token, no distance counts.
    """

    def __init__(self, config: TransformerConfig) -> None:
        """Allocate weight [P, D, V + 1], and maps to what is smooth and relative."""
        super().__init__()
        self._config = config
        size, bins, width = config.transition, config.vocabulary, config.width
        self.weight = nn.Parameter(torch.empty(size, width, bins + 1))
        count = rank_features(bins, self.weight).shape[1]
        self.smooth = PositionLinear(size, width, count, bias=False)
        self.distance = PositionLinear(size, width, 2 * bins - 1)

    def initialise(self) -> None:
        """Draw the logits of bins; those by distance start at 0."""
        nn.init.normal_(self.weight, std=0.02)
        nn.init.normal_(self.smooth.weight, std=0.02)
        nn.init.zeros_(self.distance.weight)
        count = self.smooth.weight.shape[2]
        order = torch.arange(1, count + 1, device=self.weight.device)
        with torch.no_grad():
            self.smooth.weight.div_(order.sqrt())

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Map features [R, T, D] of tokens [R, T], T a multiple of P, to logits."""
        size = self._config.transition
        grouped = group(x, 0, size)
        logits = torch.bmm(grouped, self._bins(slice(None)))
        last = last_of_next(self._config, tokens)
        return in_order(
            self._relate(logits, self.distance.grouped(grouped), last), x, 0
        )

    def at(self, x: Tensor, position: int, last: Tensor | None = None) -> Tensor:
        """Map features [R, D] at one position of a transition to logits [R, V + 1].

        `last` [R] are the last tokens of the next column, -1 where there is none.
        """
        logits = x @ self._bins(position)
        if last is None:
            return logits
        return self._relate(logits, self.distance.at(x, position), last)

    def _bins(self, positions: int | slice) -> Tensor:
        """Return the matrices [.., D, V + 1] of the logits that bins have by rank."""
        smooth = rank_features(self._config.vocabulary, self.weight)
        return self.weight[positions] + self.smooth.weight[positions] @ smooth.t()

    def _relate(self, logits: Tensor, distances: Tensor, last: Tensor) -> Tensor:
        """Add logits by distance [.., 2 V - 1] from the last tokens [..]."""
        bins = self._config.vocabulary
        known = (last >= 0) & (last < bins)
        first = bins - 1 - last.where(known, 0)
        index = first[..., None] + torch.arange(bins, device=last.device)
        found = distances.gather(-1, index) * known[..., None]
        return logits + F.pad(found, (0, 1))


def last_of_next(config: TransformerConfig, tokens: Tensor) -> Tensor:
    """Return the last token of the column that follows each of tokens [R, T].

    T is a multiple of P; returns [P, N], -1 where there is none or it is masked.
    """
    size = config.transition
    shifted = F.pad(tokens.long(), (size - 1, 1 - size), value=-1)
    last = shifted.reshape(-1, size).t()  # [P, N]
    hidden = [(position - 1) % size for position in sorted(config.masked_positions)]
    if not hidden:
        return last
    return last.index_fill(0, torch.tensor(hidden, device=tokens.device), -1)
