"""Where tokens stand: rotations of queries and keys, and who sees whom.

Axes: n queries, m keys, F features of a head.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from tt_model._config import TransformerConfig

_BASE = 10_000.0


class RotaryTable(NamedTuple):
    """Factors that rotate queries (index 0) and keys (1); queries are scaled too."""

    cosine: Tensor  # [n, 2, 1, F]
    sine: Tensor | None  # the first half negated; None where nothing rotates

    def rows(self, start: int, stop: int) -> "RotaryTable":
        """Cut out the factors of the token indices start..stop-1."""
        sine = None if self.sine is None else self.sine[start:stop]
        return RotaryTable(self.cosine[start:stop], sine)


def rotary_table(
    config: TransformerConfig, start: int, stop: int, like: Tensor
) -> RotaryTable:
    """Return the rotations at token indices start..stop-1 (arXiv 2104.09864)."""
    if config.positions == "learned":
        size, rotary = 1, False
        start, stop = 0, 1  # the same factor everywhere
    else:
        size, rotary = 1 << max(9, (stop - 1).bit_length()), True
    table = _table(size, config.head_width, rotary, like.device, like.dtype)
    return table.rows(start, stop)


@lru_cache(maxsize=16)
def _table(
    length: int, width: int, rotary: bool, device: torch.device, dtype: torch.dtype
) -> RotaryTable:
    with torch.inference_mode(False), torch.no_grad():
        scale = torch.tensor([1 / math.sqrt(width), 1.0], dtype=torch.float64)
        scale = scale.view(1, 2, 1, 1)
        half = torch.arange(0, width, 2, dtype=torch.float64) / width
        angle = torch.outer(torch.arange(length, dtype=torch.float64), _BASE**-half)
        angle = torch.cat([angle, angle], 1).view(length, 1, 1, width)
        if not rotary:
            same = scale.expand(length, 2, 1, width)
            return RotaryTable(same.to(device, dtype).contiguous(), None)
        sign = torch.ones(width, dtype=torch.float64)
        sign[: width // 2] = -1
        cosine, sine = scale * angle.cos(), scale * angle.sin() * sign
        return RotaryTable(cosine.to(device, dtype), sine.to(device, dtype))


def rotate(x: Tensor, rotary: RotaryTable) -> Tensor:
    """Rotate queries and keys x [..., n, 2, H, F] by their token indices."""
    rotated = x * rotary.cosine
    if rotary.sine is None:
        return rotated
    return torch.addcmul(rotated, x.roll(x.shape[-1] // 2, -1), rotary.sine)


def visible(config: TransformerConfig, queries: Tensor, keys: Tensor) -> Tensor:
    """Say which keys a query may attend to.

    Args:
        config: The model's shape.
        queries: Token indices [n].
        keys: Token indices [m].

    Returns:
        Booleans [n, m]: not in the query's future, not at a masked position and,
        with rotary positions, within the last `window` transitions.
    """
    size, query = config.transition, queries[:, None]
    seen = keys <= query
    for position in sorted(config.masked_positions):
        seen = seen & (keys % size != position)
    if config.positions == "rotary":
        seen = seen & (keys // size > query // size - config.window)
    return seen


def with_padding(allowed: Tensor, pad: Tensor) -> Tensor:
    """Narrow what the tokens of padded sequences may attend to.

    Args:
        allowed: Booleans [T, T], what `visible` says of a sequence from index 0 on.
        pad: Tokens of left padding of each row [R].

    Returns:
        Booleans [R, 1, T, T]: padding is seen by nothing, and sees itself alone.
    """
    index = torch.arange(len(allowed), device=pad.device)
    real = index >= pad[:, None]  # [R, T]
    own = (index == index[:, None]) & ~real[:, :, None]
    return ((allowed & real[:, None]) | own)[:, None]


def window_start(config: TransformerConfig, index: int) -> int:
    """Return the first token index that the token at `index` may attend to."""
    if config.positions == "learned":
        return 0
    size = config.transition
    return max(0, (index // size - config.window + 1) * size)
