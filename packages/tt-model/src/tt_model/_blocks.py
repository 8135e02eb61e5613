"""One layer of the network: attention within a sequence, and a perceptron.

Axes: B batch, T time in tokens, n some of them, D features, H heads.
"""

from typing import cast

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from tt_model._config import TransformerConfig
from tt_model._per_position import PositionLinear, group, in_order, linear
from tt_model._positions import RotaryTable, rotate


class Attention(nn.Module):
    """Project to queries, keys and values, and back."""

    def __init__(self, config: TransformerConfig) -> None:
        """Allocate the projections of one layer."""
        super().__init__()
        self.heads = config.heads
        self.qkv = _make_linear(config, config.width, 3 * config.width)
        self.proj = _make_linear(config, config.width, config.width)

    def project(
        self, x: Tensor, rotary: RotaryTable, begin: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return scaled, rotated queries, rotated keys, and values [B, T, H, D/H]."""
        qkv = linear(self.qkv, x, begin).view(*x.shape[:-1], 3, self.heads, -1)
        rotated = rotate(qkv[..., :2, :, :], rotary)
        return rotated[..., 0, :, :], rotated[..., 1, :, :], qkv[..., 2, :, :]

    def forward(self, x: Tensor, rotary: RotaryTable, mask: Tensor) -> Tensor:
        """Attend within a sequence x [B, T, D] under a mask [T, T] or [B, 1, T, T]."""
        mixed = attend_within(*self.project(x, rotary, 0), mask)
        return linear(self.proj, mixed, 0)


def attend_within(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attend from scaled queries to keys [B, T, H, D/H] of the same tokens: [B, T, D].

    A mask [T, T] or [B, 1, T, T] says which keys each query may attend to. Where a CPU
    computes in mixed precision this is done in float32: torch's gradient of attention
    is slow there in bfloat16.
    """
    if q.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        with torch.autocast("cpu", enabled=False):
            return attend_within(q.float(), k.float(), v.float(), mask)
    q, k, v = (rearrange(t, "b t h d -> b h t d") for t in (q, k, v))
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
    return rearrange(mixed, "b h t d -> b t (h d)")


class Block(nn.Module):
    """One pre-norm layer: attention, unless left out, then a two-layer perceptron."""

    def __init__(self, config: TransformerConfig, *, attends: bool) -> None:
        """Allocate one layer."""
        super().__init__()
        self.attends = attends
        if attends:
            self.ln1 = nn.LayerNorm(config.width)
        self.ln2 = nn.LayerNorm(config.width)
        if attends:
            self.attn = Attention(config)
        self.mlp = nn.Sequential(
            _make_linear(config, config.width, 4 * config.width),
            nn.GELU(),
            _make_linear(config, 4 * config.width, config.width),
        )
        self.drop = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, rotary: RotaryTable, mask: Tensor) -> Tensor:
        """Transform x [B, T, D]."""
        if self.attends:
            x = x + self.drop(self.attn(self.ln1(x), rotary, mask))
        out: Tensor = x + self.drop(self.perceive(self.ln2(x), 0))
        return out

    def initialise_as_identity(self) -> None:
        """Draw the matrices by their inputs, those that write to the sum being 0."""
        widen, _, narrow = self.mlp
        for layer in (widen, self.attn.qkv) if self.attends else (widen,):
            weight = cast(Tensor, layer.weight)  # [outputs, inputs], or [P, inputs, ..]
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
        for layer in (narrow, self.attn.proj) if self.attends else (narrow,):
            nn.init.zeros_(cast(Tensor, layer.weight))

    def perceive(self, x: Tensor, begin: int) -> Tensor:
        """Apply the perceptron to x [B, n, D] of tokens begin, begin + 1, ..."""
        widen, gelu, narrow = self.mlp
        if not isinstance(widen, PositionLinear):
            plain: Tensor = self.mlp(x)
            return plain
        assert isinstance(narrow, PositionLinear)
        wide = gelu(widen.grouped(group(x, begin, len(widen.weight)), begin))
        return in_order(narrow.grouped(wide, begin), x, begin)


def _make_linear(
    config: TransformerConfig, inputs: int, outputs: int
) -> nn.Linear | PositionLinear:
    if config.per_position:
        return PositionLinear(config.transition, inputs, outputs)
    return nn.Linear(inputs, outputs)
