"""The kernels that `kernels` launches, as Triton compiles them."""

import triton
import triton.language as tl

_LOW = tl.constexpr(-1e30)


@triton.jit(do_not_specialize=["slot", "position", "kind"])
def enter_rows(
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
def linear_tile(
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
    across: tl.constexpr,
    down: tl.constexpr,
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
            weight + o * across + i[:, None] * down,
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
def attend_rows(
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
    """Serve one row and one head; `ring_step` says what is computed."""
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
