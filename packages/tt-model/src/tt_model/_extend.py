"""Read tokens on top of a state: the one path that planning runs.

A prefix is many tokens, a step is one; both are `extend`.

Axes: R rows, n new tokens, H heads, F features of a head, C columns of a level.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor

from tt_model._cache import Level, State, Store, fork, kept
from tt_model._positions import turns, visible, window_start

if TYPE_CHECKING:
    from tt_model._transformer import TrajectoryTransformer


def root(model: "TrajectoryTransformer", prefix: Tensor) -> State:
    """Return the state of having read nothing, for the rows of a prefix [R, n]."""
    rows = prefix.shape[0]
    pad = (prefix < 0).sum(1)
    padded = int(pad.max())
    learned = model.config.positions == "learned"
    return State(
        rows=rows,
        levels=(Level(rows),),
        pad=pad if padded else None,
        padded=padded,
        history=prefix[:, :0] if learned else None,
    )


def extend(
    model: "TrajectoryTransformer", tokens: Tensor, state: State
) -> tuple[Tensor, State]:
    """Read tokens [R, n]; return the last one's features [R, D] and the next state."""
    config = model.config
    begin, end = state.position, state.position + tokens.shape[1]
    first = window_start(config, begin)
    new = [i for i in range(begin, end) if i % config.transition not in config.hidden]
    x = model.embed(tokens, begin, state.pad)
    levels, room = _make_room(model, state, new, first, x)
    seen = [level for level in levels if level.columns and level.columns[-1] >= first]
    blocked = _blocked(model, seen, state, torch.arange(begin, end, device=x.device))
    by = turns(config, begin, end, x)
    stored = _stored(new, begin, end, x)
    for layer, block in enumerate(model.layers):
        q, k, v = block.attn.project(block.ln1(x), by)
        if new:
            levels[-1].write(layer, room, k[:, stored], v[:, stored])
        if layer == config.layers - 1:  # only the last token is asked for
            x, q = x[:, -1:], q[:, -1:]
            blocked = None if blocked is None else blocked[..., -1:, :, :]
        x = x + block.attn.proj(_attend(q, seen, layer, first, blocked))
        x = x + block.mlp(block.ln2(x))
    history = state.history
    return model.ln_f(x[:, -1]), attrs.evolve(
        state,
        levels=levels,
        position=end,
        history=None if history is None else torch.cat([history, tokens], 1),
    )


def reread(
    model: "TrajectoryTransformer", history: Tensor, state: State
) -> tuple[Tensor, State]:
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
    state: State,
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
    model: "TrajectoryTransformer", seen: Sequence[Level], state: State, queries: Tensor
) -> Tensor | None:
    """Return what must not be attended to, [n, 1, C] or [R, n, 1, C], if anything."""
    first = window_start(model.config, state.position)
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


def _attend(
    q: Tensor, levels: Sequence[Level], layer: int, first: int, blocked: Tensor | None
) -> Tensor:
    """Attend from q [R, n, H, F] to every level; return [R, n, H * F]."""
    rows, new, heads, features = q.shape
    keys = [level.keys(layer, first) for level in levels]
    bounds = [0]
    for key in keys:
        bounds.append(bounds[-1] + key.shape[-1])
    scores = q.new_empty(rows, new, heads, bounds[-1])
    spans = [slice(*pair) for pair in pairwise(bounds)]
    for key, span in zip(keys, spans, strict=True):
        group = q.reshape(key.shape[0], -1, heads, features).transpose(1, 2)
        part = scores.view(key.shape[0], -1, heads, bounds[-1])[..., span]
        part.copy_((group @ key).transpose(1, 2))
    if blocked is not None:
        scores.masked_fill_(blocked, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    mixed = q.new_zeros(())
    for level, span in zip(levels, spans, strict=True):
        value = level.values(layer, first)
        part = weights.view(value.shape[0], -1, heads, bounds[-1])[..., span]
        partial = (part.transpose(1, 2) @ value).transpose(1, 2)
        mixed = mixed + partial.reshape(rows, new, heads * features)
    return mixed
