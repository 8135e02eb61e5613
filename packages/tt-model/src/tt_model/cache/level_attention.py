"""Attention from new tokens to all levels of a state, one softmax over them together.

Axes: R rows, n new tokens, H heads, F features of a head, C columns of a level, g
queries of the rows that share a level's row.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypeAlias

import attrs
import torch
from torch import Tensor

from tt_model._config import TransformerConfig
from tt_model._positions import visible, window_start
from tt_model.cache.levels import Level, SharedState

Pairs: TypeAlias = list[tuple[Tensor, Tensor]]
"""Keys and values [R, H, C, F] of one layer, level by level."""

_FEW = 8  # columns up to which a product and a sum beat a batched matmul


@attrs.frozen(eq=False)
class LevelAttention:
    """Store the new tokens' keys and values, layer by layer, and attend from them.

    Attributes:
        memory: What each layer may attend to, the new tokens' columns included.
        stored: Which of the new tokens are stored.
        keys: Where each layer's new keys [R, H, n, F] go; empty if none are stored.
        values: The same of values.
        blocked: What must not be attended to, [n, 1, C] or [R, n, 1, C], if anything.
    """

    memory: list[Pairs]
    stored: Tensor | slice
    keys: Sequence[Tensor]
    values: Sequence[Tensor]
    blocked: Tensor | None

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend from q [R, n, H, F]; return [R, n, H * F], in the last layer n = 1."""
        if self.keys:
            self.keys[layer].copy_(k[:, self.stored].transpose(1, 2))
            self.values[layer].copy_(v[:, self.stored].transpose(1, 2))
        blocked = self.blocked
        if layer == len(self.memory) - 1:  # only the last token is asked for
            q, blocked = q[:, -1:], None if blocked is None else blocked[..., -1:, :, :]
        return _attend(q, self.memory[layer], blocked)


def prepare_attention(
    config: TransformerConfig,
    state: SharedState,
    levels: Sequence[Level],
    new: Sequence[int],
    tokens: Tensor,
) -> LevelAttention:
    """Prepare the attention of tokens [R, n] that are read on top of a state.

    `new` lists the token indices to be stored, the last columns of the last level.
    """
    first = window_start(config, state.position)
    seen = [level for level in levels if level.columns and level.columns[-1] >= first]
    keys, values = _places(levels[-1], len(new)) if new else ((), ())
    return LevelAttention(
        memory=_read_levels(seen, first),
        stored=_stored(new, state.position, tokens),
        keys=keys,
        values=values,
        blocked=_blocked(config, state, seen, first, tokens),
    )


def _read_levels(levels: Sequence[Level], first: int) -> list[Pairs]:
    """Return, layer by layer, what the levels hold from token index `first` on."""
    held = [level.read(first) for level in levels]
    pairs = [zip(k.unbind(), v.unbind(), strict=True) for k, v in held]
    return [list(layer) for layer in zip(*pairs, strict=True)]


def _places(level: Level, count: int) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Return the last columns of each layer's keys and values [R, H, count, F]."""
    assert level.store is not None
    end = len(level.columns)
    keys, values = level.store.keys, level.store.values
    span = slice(end - count, end)
    return keys[:, :, :, span].unbind(), values[:, :, :, span].unbind()


def _stored(new: Sequence[int], begin: int, tokens: Tensor) -> Tensor | slice:
    """Return which of the tokens, the first of index `begin`, are stored."""
    if len(new) == tokens.shape[1]:
        return slice(None)
    return torch.tensor([i - begin for i in new], device=tokens.device)


def _blocked(
    config: TransformerConfig,
    state: SharedState,
    seen: Sequence[Level],
    first: int,
    tokens: Tensor,
) -> Tensor | None:
    """Return what must not be attended to, [n, 1, C] or [R, n, 1, C], if anything."""
    count, device = tokens.shape[1], tokens.device
    padded = state.pad is not None and first < state.padded
    if count == 1 and not padded:
        return None
    queries = torch.arange(state.position, state.position + count, device=device)
    columns = [c for level in seen for c in level.columns[level.since(first)]]
    keys = torch.tensor(columns, device=device)
    allowed = visible(config, queries, keys)
    if state.pad is not None and padded:
        own = queries[:, None] == keys
        allowed = (allowed & (keys >= state.pad[:, None, None])) | own
    return ~allowed.unsqueeze(-2)


def _attend(q: Tensor, memory: Pairs, blocked: Tensor | None) -> Tensor:
    """Attend from q [R, n, H, F] to every level's keys; return [R, n, H * F]."""
    rows, new, heads, features = q.shape
    bounds = [0, *accumulate(keys.shape[2] for keys, _ in memory)]
    spans = [slice(*pair) for pair in pairwise(bounds)]
    scores = q.new_empty(rows, new, heads, bounds[-1])
    for (keys, _), span in zip(memory, spans, strict=True):
        group = q.reshape(len(keys), -1, heads, features)
        part = scores.view(len(keys), -1, heads, bounds[-1])[..., span]
        part.copy_(_compare(group, keys))
    if blocked is not None:
        scores.masked_fill_(blocked, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    mixed = None
    for (_, values), span in zip(memory, spans, strict=True):
        part = weights.view(len(values), -1, heads, bounds[-1])[..., span]
        found = _mix(part, values).reshape(rows, new, heads * features)
        mixed = found if mixed is None else mixed.add_(found)
    assert mixed is not None
    return mixed


def _compare(group: Tensor, keys: Tensor) -> Tensor:
    """Compare queries [R, g, H, F] with keys [R, H, C, F]; return [R, g, H, C]."""
    if group.shape[1] == 1 and keys.shape[2] <= _FEW:
        return (group.transpose(1, 2) * keys).sum(-1).unsqueeze(1)
    flat = torch.bmm(
        group.transpose(1, 2).flatten(0, 1), keys.flatten(0, 1).transpose(1, 2)
    )
    return flat.view(len(group), -1, *flat.shape[1:]).transpose(1, 2)


def _mix(weights: Tensor, values: Tensor) -> Tensor:
    """Average values [R, H, C, F] by weights [R, g, H, C]; return [R, g, H, F]."""
    if weights.shape[1] == 1 and values.shape[2] <= _FEW:
        return (weights.transpose(1, 2).mT * values).sum(-2).unsqueeze(1)
    flat = torch.bmm(weights.transpose(1, 2).flatten(0, 1), values.flatten(0, 1))
    return flat.view(len(weights), -1, *flat.shape[1:]).transpose(1, 2)
