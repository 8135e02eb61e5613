"""A network's weights as the compiled step reads them."""

import ctypes
from typing import TypeAlias, cast

import attrs
from torch import Tensor, nn
from torch.nn import functional as F

from tt_model._blocks import Block
from tt_model._per_position import PositionLinear
from tt_model._transformer import TrajectoryTransformer

_Table: TypeAlias = "ctypes.Array[Layer]"


class Layer(ctypes.Structure):
    """Where the weights of a layer lie; see step.cpp."""

    _fields_ = [
        (name, ctypes.c_void_p)
        for name in (
            *("norm1", "shift1", "qkv", "qkv_bias", "proj", "proj_bias"),
            *("norm2", "shift2", "widen", "widen_bias", "narrow", "narrow_bias"),
        )
    ]


@attrs.frozen(eq=False)
class Weights:
    """Hold the tensors of each layer, in the order of `Layer`'s fields.

    Each has an axis of positions first; matrices are [P, I, O]. What the step reads of
    a position is a copy, made when it is first asked for.
    """

    layers: list[list[Tensor | None]]
    last: tuple[Tensor, Tensor]  # [D], scale and shift of the last norm
    positions: int  # P, or 1 where all positions share their matrices
    panel: int  # bytes of a row of a panel
    _tables: dict[int, tuple[_Table, list[Tensor | None]]] = attrs.field(
        factory=dict, init=False
    )

    def at(self, index: int) -> _Table:
        """Return where the weights of the token at an index lie, layer by layer."""
        position = index % self.positions
        if position not in self._tables:
            self._tables[position] = self._lay_out(position)
        return self._tables[position][0]

    def _lay_out(self, position: int) -> tuple[_Table, list[Tensor | None]]:
        """Return a table of addresses, and the tensors that lie there."""
        parts = [
            [None if t is None else self._copy(t[position]) for t in part]
            for part in self.layers
        ]
        found = [
            Layer(*(None if t is None else t.data_ptr() for t in part))
            for part in parts
        ]
        return (Layer * len(found))(*found), [t for part in parts for t in part]

    def _copy(self, weight: Tensor) -> Tensor:
        """Cut a matrix [I, O] into panels [O / N, I, N] that are read in order."""
        if weight.ndim == 1:
            return weight.contiguous()
        wide = self.panel // weight.itemsize
        padded = F.pad(weight, (0, -weight.shape[1] % wide))
        panels = padded.reshape(weight.shape[0], -1, wide)
        return panels.transpose(0, 1).contiguous()


def read_weights(model: TrajectoryTransformer, panel: int) -> Weights:
    """Lay out the weights of a network's blocks, a panel's row being so many bytes."""
    config = model.config
    positions = config.transition if config.per_position else 1
    layers = [_read_block(block, positions) for block in model.layers]
    scale, shift = (part[0] for part in _read_norm(model.ln_f, 1))
    return Weights(layers, (scale, shift), positions, panel)


def _read_block(block: Block, positions: int) -> list[Tensor | None]:
    widen, _, narrow = block.mlp
    first: list[Tensor | None] = [None] * 6
    if block.attends:
        projections = (*_read_linear(block.attn.qkv), *_read_linear(block.attn.proj))
        first = [*_read_norm(block.ln1, positions), *projections]
    second = _read_norm(block.ln2, positions)
    return [*first, *second, *_read_linear(widen), *_read_linear(narrow)]


def _read_norm(norm: nn.LayerNorm, positions: int) -> tuple[Tensor, ...]:
    parts = (norm.weight.detach(), norm.bias.detach())
    return tuple(part.contiguous().expand(positions, -1) for part in parts)


def _read_linear(layer: nn.Module) -> tuple[Tensor, ...]:
    weight, bias = (cast(Tensor, part).detach() for part in (layer.weight, layer.bias))
    if not isinstance(layer, PositionLinear):
        weight, bias = weight.t()[None], bias[None]
    return weight, bias
