"""Linear layers with a matrix of their own for each position of a transition.

Axes: R rows, n tokens, P positions of a transition, Q of them side by side (all or
one), N tokens at each, D features.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PositionLinear(nn.Module):
    """Map features by the matrix of their position."""

    def __init__(
        self, size: int, inputs: int, outputs: int, *, bias: bool = True
    ) -> None:
        """Allocate weight [P, inputs, outputs] and bias [P, outputs].

        A gradient has the layout of its product so, and is not copied.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(size, outputs)) if bias else None

    def forward(self, x: Tensor, begin: int = 0) -> Tensor:
        """Map features [R, n, D] of tokens at indices begin, begin + 1, ..."""
        grouped = self.grouped(group(x, begin, len(self.weight)), begin)
        return in_order(grouped, x, begin)

    def grouped(self, x: Tensor, begin: int = 0) -> Tensor:
        """Map what `group` returns of tokens from index `begin` on."""
        if len(x) == 1:
            return self.at(x, begin % len(self.weight))
        if self.bias is None:
            return torch.bmm(x, self.weight)
        return torch.baddbmm(self.bias[:, None], x, self.weight)

    def at(self, x: Tensor, position: int) -> Tensor:
        """Map features [..., D] of tokens at one position."""
        bias = None if self.bias is None else self.bias[position]
        return F.linear(x, self.weight[position].t(), bias)


def linear(layer: nn.Linear | PositionLinear, x: Tensor, begin: int) -> Tensor:
    """Apply a layer to features [R, n, D] of tokens at indices begin, begin + 1, ..."""
    positioned = isinstance(layer, PositionLinear)
    out: Tensor = layer(x, begin) if positioned else layer(x)
    return out


def group(x: Tensor, begin: int, size: int) -> Tensor:
    """Bring tokens of one position together.

    Takes features [R, n, D] of tokens at indices begin, begin + 1, ... and returns
    [P, N, D], those of transitions that are not whole filled with 0; of a single index
    [1, R, D].
    """
    count = x.shape[1]
    if count == 1:
        return x.transpose(0, 1)
    before, after = begin % size, -(begin + count) % size
    if before or after:
        x = F.pad(x, (0, 0, before, after))
    return x.reshape(-1, size, x.shape[-1]).transpose(0, 1)


def in_order(grouped: Tensor, like: Tensor, begin: int) -> Tensor:
    """Undo what `group` did to tokens `like` [R, n, ...] from index `begin` on."""
    rows, count = like.shape[:2]
    before = begin % len(grouped)
    x = grouped.transpose(0, 1).reshape(rows, -1, grouped.shape[-1])
    return x[:, before : before + count]
