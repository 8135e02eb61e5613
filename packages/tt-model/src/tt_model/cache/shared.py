"""Read tokens on top of a state: the one path that planning runs.

A prefix is many tokens, a step is one; both are `extend`.

Axes: R rows, n new tokens, H heads, F features of a head, C columns of a level.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor

from tt_model._positions import rotary_table, visible, window_start
from tt_model.cache.levels import Level, SharedState, Store, fork, kept

if TYPE_CHECKING:
    from tt_model._transformer import TrajectoryTransformer

_FEW = 8  # columns up to which a product and a sum beat a batched matmul


def root(model: "TrajectoryTransformer", prefix: Tensor) -> SharedState:
    """Return the state of having read nothing, for the rows of a prefix [R, n]."""
    rows = prefix.shape[0]
    pad = (prefix < 0).sum(1)
    padded = int(pad.max())
    learned = model.config.positions == "learned"
    return SharedState(
        rows=rows,
        levels=(Level(rows),),
        pad=pad if padded else None,
        padded=padded,
        history=prefix[:, :0] if learned else None,
    )


def extend(
    model: "TrajectoryTransformer", tokens: Tensor, state: SharedState
) -> tuple[Tensor, SharedState]:
    """Read tokens [R, n]; return the last one's features [R, D] and the next state."""
    config = model.config
    begin, end = state.position, state.position + tokens.shape[1]
    first = window_start(config, begin)
    new = [
        i
        for i in range(begin, end)
        if i % config.transition not in config.masked_positions
    ]
    x = model.embed(tokens, begin, state.pad)
    levels, room = _make_room(model, state, new, first, x)
    seen = [level for level in levels if level.columns and level.columns[-1] >= first]
    queries = torch.arange(begin, end, device=x.device)
    blocked = _blocked(model, seen, state, first, queries)
    rotary = rotary_table(config, begin, end, x)
    stored = _stored(new, begin, end, x)
    places, memory = _write_places(levels[-1], room), _memory(seen, first)
    for layer, block in enumerate(model.layers):
        q, k, v = block.attn.project(block.ln1(x), rotary)
        if new:
            places[0][layer].copy_(k[:, stored].transpose(1, 2))
            places[1][layer].copy_(v[:, stored].transpose(1, 2))
        if layer == config.layers - 1:  # only the last token is asked for
            x, q = x[:, -1:], q[:, -1:]
            blocked = None if blocked is None else blocked[..., -1:, :, :]
        x = x + block.attn.proj(_attend(q, memory[layer], blocked))
        x = x + block.mlp(block.ln2(x))
    history = state.history
    return model.ln_f(x[:, -1]), attrs.evolve(
        state,
        levels=levels,
        position=end,
        history=None if history is None else torch.cat([history, tokens], 1),
    )


def reread(
    model: "TrajectoryTransformer", history: Tensor, state: SharedState
) -> tuple[Tensor, SharedState]:
    """Read a cropped history [R, n] afresh; what a group shares is read once.

    Returns what `extend` returns. Used by learned positions, which restart at 0 when
    transitions are dropped from the front.
    """
    times = state.rows // state.levels[0].rows
    trunk = state.trunk - (state.position + 1 - history.shape[1])
    if times == 1 or trunk <= 0:
        return extend(model, history, root(model, history))
    shared = history[::times, :trunk]
    _, base = extend(model, shared, root(model, shared))
    spread = torch.arange(base.rows, device=history.device).repeat_interleave(times)
    return extend(model, history[:, trunk:], fork(base, spread))


def _make_room(
    model: "TrajectoryTransformer",
    state: SharedState,
    new: Sequence[int],
    first: int,
    like: Tensor,
) -> tuple[tuple[Level, ...], slice]:
    """Return the levels with the new columns in the last one, and where they go."""
    *rest, tail = state.levels
    rest = [level for level in rest if level.columns and level.columns[-1] >= first]
    least = kept(model.config)
    if tail.store is not None and len(tail.columns) + len(new) > tail.store.size:
        rest, tail = [*rest, tail], Level(state.rows)
        least *= model.config.window
    if tail.store is None and new:
        size = max(least, len(new))
        store = Store(model.pool, model.config, state.rows, size, like)
        tail = attrs.evolve(tail, store=store)
    filled = len(tail.columns)
    tail = attrs.evolve(tail, columns=(*tail.columns, *new))
    return (*rest, tail), slice(filled, len(tail.columns))


def _stored(new: Sequence[int], begin: int, end: int, like: Tensor) -> Tensor | slice:
    """Return which of the new tokens are stored."""
    if len(new) == end - begin:
        return slice(None)
    return torch.tensor([i - begin for i in new], device=like.device)


def _blocked(
    model: "TrajectoryTransformer",
    seen: Sequence[Level],
    state: SharedState,
    first: int,
    queries: Tensor,
) -> Tensor | None:
    """Return what must not be attended to, [n, 1, C] or [R, n, 1, C], if anything."""
    padded = state.pad is not None and first < state.padded
    if len(queries) == 1 and not padded:
        return None
    columns = [c for level in seen for c in level.columns[level.live(first)]]
    keys = torch.tensor(columns, device=queries.device)
    allowed = visible(model.config, queries, keys)
    if state.pad is not None and padded:
        own = queries[:, None] == keys
        allowed = (allowed & (keys >= state.pad[:, None, None])) | own
    return ~allowed.unsqueeze(-2)


def _write_places(level: Level, room: slice) -> tuple[Sequence[Tensor], ...]:
    """Return where each layer's new keys and values [R, H, n, F] go."""
    if level.store is None:
        return ()
    buffers = level.store.keys, level.store.values
    return tuple(buffer[:, :, :, room].unbind() for buffer in buffers)


def _memory(seen: Sequence[Level], first: int) -> list[list[tuple[Tensor, Tensor]]]:
    """Return, layer by layer, what each level holds: keys and values [R, H, C, F]."""
    levels = [level.read(first) for level in seen]
    pairs = [zip(k.unbind(), v.unbind(), strict=True) for k, v in levels]
    return [list(layer) for layer in zip(*pairs, strict=True)]


def _attend(
    q: Tensor, memory: Sequence[tuple[Tensor, Tensor]], blocked: Tensor | None
) -> Tensor:
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
