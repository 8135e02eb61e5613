"""What a network sees of a token: its transition so far and the previous one.

Axes: R rows, T tokens, P positions of a transition, N transitions, V bins, F features
of an embedding, C features of a sum, D features of the network.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tt_model._config import TransformerConfig
from tt_model._per_position import PositionLinear, in_order
from tt_model._ranks import rank_features

_FEATURES = 8  # of an embedding: a bin is little more than a number


class Sums(NamedTuple):
    """What the next input is made of, besides its own token."""

    own: Tensor  # [R, C] of the transition so far
    coming: Tensor  # [R, C] of the same tokens, for the next transition
    past: Tensor  # [R, C] of the previous transition


class OrdinalEmbedding(nn.Module):
    """Embed bins by smooth functions of their rank and by a table that starts at 0."""

    def __init__(self, config: TransformerConfig) -> None:
        """Allocate table [P, V + 1, F] and smooth [P, M, F]."""
        super().__init__()
        size, bins = config.transition, config.vocabulary
        self.table = nn.Parameter(torch.zeros(size, bins + 1, _FEATURES))
        count = rank_features(bins, self.table).shape[1]
        self.smooth = nn.Parameter(torch.empty(size, count, _FEATURES))

    def initialise(self) -> None:
        """Draw the smooth part, less of what changes fast with the rank."""
        nn.init.normal_(self.smooth, std=0.3)
        order = torch.arange(1, self.smooth.shape[1] + 1, device=self.smooth.device)
        with torch.no_grad():
            self.smooth.div_(order[:, None].sqrt())

    def forward(self, tokens: Tensor) -> Tensor:
        """Embed tokens [P, N], the padding -1 among them as 0; return [P, N, F]."""
        rows = self._rows(self.table, self.smooth)  # [P, V + 1, F]
        size, count = rows.shape[:2]
        first = torch.arange(size, device=tokens.device)[:, None] * count
        index = torch.where(tokens < 0, size * count, tokens + first)
        return F.embedding(index, F.pad(rows.flatten(0, 1), (0, 0, 0, 1)))

    def at(self, tokens: Tensor, position: int) -> Tensor:
        """Embed the tokens [R] of one position; return [R, F]."""
        return F.embedding(
            tokens, self._rows(self.table[position], self.smooth[position])
        )

    def _rows(self, table: Tensor, smooth: Tensor) -> Tensor:
        return table + rank_features(table.shape[-2] - 1, table) @ smooth


class TransitionInput(nn.Module):
    """Map what a transition holds so far, and the previous one, to features.

    Both enter as sums of linear maps of embeddings, C = 2 D wide, so that the layer
    grows as P and not as P squared. A masked token counts at its own position alone.
    """

    def __init__(self, config: TransformerConfig) -> None:
        """Allocate the embedding and the maps into and out of the sums."""
        super().__init__()
        size, wide = config.transition, 2 * config.width
        self._config = config
        self.embedding = OrdinalEmbedding(config)
        self.own = PositionLinear(size, _FEATURES, wide, bias=False)
        self.past = PositionLinear(size, _FEATURES, wide, bias=False)
        self.from_own = PositionLinear(size, wide, config.width)
        self.from_past = PositionLinear(size, wide, config.width, bias=False)

    def initialise(self) -> None:
        """Draw the parameters."""
        self.embedding.initialise()
        wide, size = self.own.weight.shape[2], self._config.transition
        for layer in (self.own, self.past):
            nn.init.normal_(layer.weight, std=_FEATURES**-0.5)
        for layer in (self.from_own, self.from_past):
            nn.init.normal_(layer.weight, std=(2 * wide * size) ** -0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens [R, T] from a transition's begin on to features [R, T, D]."""
        rows, size = len(tokens), self._config.transition
        padded = F.pad(tokens, (0, -tokens.shape[1] % size))
        embedded = self.embedding(padded.view(-1, size).t())  # [P, N, F]
        before, kept = _counted(self._config, embedded)
        own = self.own.grouped(embedded)
        own = (before @ own.flatten(1)).view_as(own)
        past = self._total(self.past, embedded, kept).view(rows, -1, own.shape[-1])
        past = F.pad(past, (0, 0, 1, -1)).flatten(0, 1).expand_as(own)
        x = torch.baddbmm(self.from_own.grouped(own), past, self.from_past.weight)
        return in_order(x, tokens, 0)

    def read(self, tokens: Tensor) -> Sums:
        """Sum what tokens [R, T] from a transition's begin on leave to the next."""
        size, length = self._config.transition, tokens.shape[1]
        whole = F.pad(tokens, (size, -length % size), value=-1)[:, -2 * size :]
        last, now = (self.embedding(part.t()) for part in torch.split(whole, size, 1))
        kept = _counted(self._config, now)[1]
        return Sums(
            own=self._total(self.own, now, kept),
            coming=self._total(self.past, now, kept),
            past=self._total(self.past, last, kept),
        )

    def step(self, tokens: Tensor, position: int, sums: Sums) -> tuple[Tensor, Sums]:
        """Map the next tokens [R] of a position to features [R, D]; count them in."""
        embedded = self.embedding.at(tokens, position)
        to_own, to_past = self.own.weight[position], self.past.weight[position]
        if position:
            own = torch.addmm(sums.own, embedded, to_own)
            coming, past = torch.addmm(sums.coming, embedded, to_past), sums.past
        else:  # the transition before it is whole
            own, coming, past = embedded @ to_own, embedded @ to_past, sums.coming
        weight = self.from_past.weight[position]
        x = torch.addmm(self.from_own.at(own, position), past, weight)
        if self._config.is_masked(position):
            return x, sums
        return x, Sums(own, coming, past)

    def _total(self, maps: PositionLinear, embedded: Tensor, kept: Tensor) -> Tensor:
        """Sum the maps of embeddings [P, N, F] that count later; return [N, C]."""
        return torch.einsum("pnf,pfc->nc", embedded * kept, maps.weight)


@lru_cache(maxsize=16)
def _count(
    config: TransformerConfig, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False), torch.no_grad():
        kept = torch.ones(config.transition, dtype=dtype, device="cpu")
        kept[sorted(config.masked_positions)] = 0
        before = torch.tril(kept.expand(len(kept), -1), -1)
        before = before + torch.eye(len(kept), dtype=dtype, device="cpu")
        return before.to(device), kept[:, None, None].to(device)


def _counted(config: TransformerConfig, like: Tensor) -> tuple[Tensor, Tensor]:
    """Say what counts at a position [P, P], and what counts later [P, 1, 1]."""
    return _count(config, like.device, like.dtype)
