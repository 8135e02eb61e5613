"""What `ring_step` does, in a few kernels that Triton compiles for CUDA.

A step has little to compute, so its time is the number of kernels: one to begin, and
five a layer.
"""

from typing import TypeAlias, cast

import triton
from torch import Tensor, nn

from tt_model._config import TransformerConfig
from tt_model._per_position import PositionLinear
from tt_model._positions import RotaryTable, rotary_table
from tt_model._transformer import TrajectoryTransformer
from tt_model.cache.places import place
from tt_model.cache.recent import Recent
from tt_model.cache.ring_step import RingState, begin_step
from tt_model.cache.triton_code import attend_rows, enter_rows, linear_tile

Linear: TypeAlias = nn.Linear | PositionLinear

_SLOTS = 256  # read at once, at most
_ROWS, _COLUMNS, _DEPTH = 16, 32, 128  # of a tile of a linear layer


def step(
    model: TrajectoryTransformer, tokens: Tensor, state: RingState
) -> tuple[Tensor, Recent]:
    """Do what `ring_step.step` does."""
    config, index = model.config, state.position
    rotary = rotary_table(config, index, index + 1, model.head.weight)
    x, recent = _enter(model, tokens, state)
    first = config.layers - config.attending_layers
    for layer, block in enumerate(model.layers):
        if block.attends:
            qkv = _linear(x, *_matrix(block.attn.qkv, index), norm=block.ln1)
            mixed = _attend(config, qkv, rotary, state, layer - first)
            x = _linear(mixed, *_matrix(block.attn.proj, index), add=x)
        widen, _, narrow = (cast(Linear, part) for part in block.mlp)
        wide = _linear(x, *_matrix(widen, index), norm=block.ln2, gelu=True)
        x = _linear(wide, *_matrix(narrow, index), add=x)
    features: Tensor = model.ln_f(x)
    return features, recent


def _matrix(layer: Linear, index: int) -> tuple[Tensor, Tensor]:
    """Return weight [O, I] and bias [O] of the token at an index."""
    weight, bias = layer.weight, cast(Tensor, layer.bias)
    if isinstance(layer, PositionLinear):
        position = index % len(weight)
        return weight[position].t(), bias[position]
    return weight, bias


def _enter(
    model: TrajectoryTransformer, tokens: Tensor, state: RingState
) -> tuple[Tensor, Recent]:
    """Put the newest tokens [R] into the table; return their inputs [R, D]."""
    if model.config.inputs == "transition":
        return begin_step(model, tokens, state)
    state.recent.note(tokens, state.position % model.config.transition)
    config, table = model.config, model.tok_emb.weight
    learned = config.positions == "learned"
    x = table.new_empty(state.rows, config.width)
    slot = place(config, state.position).slot
    enter_rows[(state.rows,)](
        tokens,
        table,
        model.pos_emb if learned else table,
        state.pad,
        state.table,
        x,
        -1 if slot is None else slot,
        state.position,
        state.position % config.transition,
        bins=config.vocabulary,
        last=len(table) - 1,
        slots=state.table.shape[1],
        width=config.width,
        padded=triton.next_power_of_2(config.width),
        learned=learned,
    )
    return x, state.recent


def _linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    norm: nn.LayerNorm | None = None,
    gelu: bool = False,
    add: Tensor | None = None,
) -> Tensor:
    """Apply a linear layer to x [R, I], perhaps after a norm and before GELU and a sum.

    Returns [R, O].
    """
    rows, inputs = x.shape
    outputs = len(weight)
    out = x.new_empty(rows, outputs)
    depth = _DEPTH if norm is None else triton.next_power_of_2(inputs)
    grid = (triton.cdiv(rows, _ROWS), triton.cdiv(outputs, _COLUMNS))
    linear_tile[grid](
        x,
        weight,
        bias,
        x if norm is None else norm.weight,
        x if norm is None else norm.bias,
        x if add is None else add,
        out,
        rows,
        1e-5 if norm is None else norm.eps,
        inputs=inputs,
        outputs=outputs,
        across=weight.stride(0),
        down=weight.stride(1),
        normed=norm is not None,
        gelu=gelu,
        added=add is not None,
        tall=_ROWS,
        wide=_COLUMNS,
        deep=depth,
        num_warps=4,
    )
    return out


def _attend(
    config: TransformerConfig,
    qkv: Tensor,
    rotary: RotaryTable,
    state: RingState,
    layer: int,
) -> Tensor:
    """Store the newest token's keys and values, and attend from it; return [R, D]."""
    here = place(config, state.position)
    keys, values = state.keys[layer], state.values[layer]
    mixed = qkv.new_empty(state.rows, config.width)
    rotates = rotary.sine is not None
    attend_rows[(state.rows, config.heads)](
        qkv,
        rotary.cosine,
        rotary.sine if rotates else rotary.cosine,
        state.table,
        state.pad,
        keys,
        values,
        mixed,
        keys.shape[1],
        -1 if here.slot is None else here.slot,
        here.transition,
        here.rank,
        size=config.transition,
        each=config.stored,
        window=config.window,
        width=config.width,
        features=config.head_width,
        padded=triton.next_power_of_2(config.head_width),
        rotary=rotates,
        block=min(_SLOTS, triton.next_power_of_2(state.table.shape[1])),
        num_warps=4,
    )
    return mixed
