"""What `_indexed` does in a step, in a few kernels that Triton compiles for CUDA.

A step has little to compute, so its time is the number of kernels: one to begin, and
five a layer.
"""

from typing import TYPE_CHECKING

import triton
import triton.language as tl
from torch import Tensor, nn

from tt_model._config import TransformerConfig
from tt_model._indexed import IndexedState, place
from tt_model._positions import Turns

if TYPE_CHECKING:
    from tt_model._transformer import TrajectoryTransformer

_SLOTS = 256  # read at once, at most
_ROWS, _COLUMNS, _DEPTH = 16, 32, 128  # of a tile of a linear layer
_LOW = tl.constexpr(-1e30)


def enter(
    model: "TrajectoryTransformer", tokens: Tensor, state: IndexedState
) -> Tensor:
    """Do what `_indexed.enter` does."""
    config, table = model.config, model.tok_emb.weight
    learned = config.positions == "learned"
    x = table.new_empty(state.rows, config.width)
    slot = place(config, state.position).slot
    _enter_rows[(state.rows,)](
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
    return x


def transform(
    model: "TrajectoryTransformer",
    layer: int,
    x: Tensor,
    by: Turns,
    state: IndexedState,
) -> Tensor:
    """Do what `_indexed.transform` does."""
    block = model.layers[layer]
    qkv = linear(x, block.attn.qkv, norm=block.ln1)
    mixed = attend(model.config, qkv, by, state, layer)
    x = linear(mixed, block.attn.proj, add=x)
    wide = linear(x, block.mlp[0], norm=block.ln2, gelu=True)
    return linear(wide, block.mlp[2], add=x)


def linear(
    x: Tensor,
    layer: nn.Linear,
    *,
    norm: nn.LayerNorm | None = None,
    gelu: bool = False,
    add: Tensor | None = None,
) -> Tensor:
    """Apply a linear layer to x [R, I], perhaps after a norm and before GELU and a sum.

    Returns [R, O].
    """
    rows, inputs = x.shape
    outputs = layer.out_features
    out = x.new_empty(rows, outputs)
    depth = _DEPTH if norm is None else triton.next_power_of_2(inputs)
    grid = (triton.cdiv(rows, _ROWS), triton.cdiv(outputs, _COLUMNS))
    _linear_tile[grid](
        x,
        layer.weight,
        layer.bias,
        x if norm is None else norm.weight,
        x if norm is None else norm.bias,
        x if add is None else add,
        out,
        rows,
        1e-5 if norm is None else norm.eps,
        inputs=inputs,
        outputs=outputs,
        normed=norm is not None,
        gelu=gelu,
        added=add is not None,
        tall=_ROWS,
        wide=_COLUMNS,
        deep=depth,
        num_warps=4,
    )
    return out


def attend(
    config: TransformerConfig, qkv: Tensor, by: Turns, state: IndexedState, layer: int
) -> Tensor:
    """Do what `_indexed.attend` does."""
    here = place(config, state.position)
    keys, values = state.keys[layer], state.values[layer]
    mixed = qkv.new_empty(state.rows, config.width)
    rotary = by.sine is not None
    _attend_rows[(state.rows, config.heads)](
        qkv,
        by.cosine,
        by.sine if rotary else by.cosine,
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
        each=here.each,
        window=config.window,
        width=config.width,
        features=config.head_width,
        padded=triton.next_power_of_2(config.head_width),
        rotary=rotary,
        block=min(_SLOTS, triton.next_power_of_2(state.table.shape[1])),
        num_warps=4,
    )
    return mixed


@triton.jit(do_not_specialize=["slot", "position", "kind"])
def _enter_rows(
    tokens,
    table,
    places,
    pad,
    past,
    x,
    slot,
    position,
    kind,
    bins: tl.constexpr,
    last: tl.constexpr,
    slots: tl.constexpr,
    width: tl.constexpr,
    padded: tl.constexpr,
    learned: tl.constexpr,
):
    """Embed the token of one row, and make it part of the row's own past."""
    row = tl.program_id(0)
    d = tl.arange(0, padded)
    real = d < width
    token = tl.load(tokens + row)
    known = (token >= 0) & (token < bins)
    entry = tl.where(known, token + kind * bins, last)
    features = tl.load(table + entry * width + d, mask=real)
    if learned:
        place = tl.maximum(position - tl.load(pad + row), 0)
        features += tl.load(places + place * width + d, mask=real)
    tl.store(x + row * width + d, features, mask=real)
    tl.store(past + row * slots + slot, row, mask=slot >= 0)


@triton.jit(do_not_specialize=["rows"])
def _linear_tile(
    x,
    weight,
    bias,
    norm_weight,
    norm_bias,
    add,
    out,
    rows,
    epsilon,
    inputs: tl.constexpr,
    outputs: tl.constexpr,
    normed: tl.constexpr,
    gelu: tl.constexpr,
    added: tl.constexpr,
    tall: tl.constexpr,
    wide: tl.constexpr,
    deep: tl.constexpr,
):
    """Compute one tile of the output.

    Where the weights are float32, so is the accuracy: each product is made of three
    of TF32, which the device has units for.
    """
    r = (tl.program_id(0) * tall + tl.arange(0, tall))[:, None]
    o = (tl.program_id(1) * wide + tl.arange(0, wide))[None, :]
    total = tl.zeros((tall, wide), tl.float32)
    for low in range(0, inputs, deep):
        i = low + tl.arange(0, deep)
        given = (r < rows) & (i < inputs)[None, :]
        tile = tl.load(x + r * inputs + i[None, :], mask=given, other=0.0)
        if normed:
            tile = tile.to(tl.float32)
            middle = tl.sum(tile, 1) / inputs
            tile = tl.where(given, tile - middle[:, None], 0.0)
            spread = tl.sum(tile * tile, 1) / inputs
            tile = tile * tl.rsqrt(spread + epsilon)[:, None]
            scale = tl.load(norm_weight + i, mask=i < inputs, other=0.0)
            shift = tl.load(norm_bias + i, mask=i < inputs, other=0.0)
            tile = tile * scale.to(tl.float32)[None, :] + shift.to(tl.float32)[None, :]
        w = tl.load(
            weight + o * inputs + i[:, None],
            mask=(o < outputs) & (i < inputs)[:, None],
            other=0.0,
        )
        total = tl.dot(tile.to(w.dtype), w, total, input_precision="tf32x3")
    total += tl.load(bias + o, mask=o < outputs, other=0.0).to(tl.float32)
    if gelu:
        total = 0.5 * total * (1.0 + tl.erf(total * 0.7071067811865476))
    inside = (r < rows) & (o < outputs)
    at = r * outputs + o
    if added:
        total += tl.load(add + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + at, total.to(out.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=["room", "slot", "transition", "rank"])
def _attend_rows(
    qkv,
    cosine,
    sine,
    table,
    pad,
    keys,
    values,
    mixed,
    room,
    slot,
    transition,
    rank,
    size: tl.constexpr,
    each: tl.constexpr,
    window: tl.constexpr,
    width: tl.constexpr,
    features: tl.constexpr,
    padded: tl.constexpr,
    rotary: tl.constexpr,
    block: tl.constexpr,
):
    """Serve one row and one head; `_indexed.attend` says what is computed."""
    row, head = tl.program_id(0), tl.program_id(1)
    f = tl.arange(0, padded)
    real = f < features
    other = (f + features // 2) % features
    given = qkv + row * 3 * width + head * features
    q = tl.load(given + f, mask=real, other=0.0).to(tl.float32)
    k = tl.load(given + width + f, mask=real, other=0.0).to(tl.float32)
    v = tl.load(given + 2 * width + f, mask=real, other=0.0)
    q *= tl.load(cosine + f, mask=real, other=0.0).to(tl.float32)
    k *= tl.load(cosine + features + f, mask=real, other=0.0).to(tl.float32)
    if rotary:
        q2 = tl.load(given + other, mask=real, other=0.0).to(tl.float32)
        k2 = tl.load(given + width + other, mask=real, other=0.0).to(tl.float32)
        q += q2 * tl.load(sine + f, mask=real, other=0.0).to(tl.float32)
        k += k2 * tl.load(sine + features + f, mask=real, other=0.0).to(tl.float32)
    stored = slot >= 0
    own = (slot.to(tl.int64) * room + row) * width + head * features + f
    tl.store(keys + own, k.to(v.dtype), mask=real & stored)
    tl.store(values + own, v, mask=real & stored)

    score = tl.where(stored, tl.sum(q * k, 0), _LOW)
    highest = score
    total = tl.where(stored, 1.0, 0.0)
    found = tl.where(stored, v.to(tl.float32), 0.0)
    begun = tl.load(pad + row) // size
    for low in range(0, window * each, block):
        s = low + tl.arange(0, block)
        age = (transition - s // each + window * (transition // window + 1)) % window
        seen = (s < window * each) & (s != slot) & (transition - age >= begun)
        seen &= (age > 0) | (s % each < rank)
        entry = tl.load(table + row * window * each + s, mask=seen, other=0)
        at = (s.to(tl.int64) * room + entry)[:, None] * width + head * features + f
        both = seen[:, None] & real
        past = tl.load(keys + at, mask=both, other=0.0).to(tl.float32)
        scores = tl.where(seen, tl.sum(past * q, 1), _LOW)
        top = tl.maximum(highest, tl.max(scores, 0))
        share = tl.where(seen, tl.exp(scores - top), 0.0)
        past = tl.load(values + at, mask=both, other=0.0).to(tl.float32)
        fade = tl.exp(highest - top)
        found = found * fade + tl.sum(past * share[:, None], 0)
        total = total * fade + tl.sum(share, 0)
        highest = top
    out = (found / total).to(v.dtype)
    tl.store(mixed + row * width + head * features + f, out, mask=real)
