"""The cache for devices that must not wait for the processor: nothing is moved.

Keys and values stay where they were written: slot by slot, row by row. A state holds a
table that says, for every row, which row of each slot is part of its past. Choosing
rows moves the table alone and never looks at its content, so a whole plan can be
recorded as one graph. The slots form a ring of as many transitions as a token sees;
masked positions have none.

Axes: L layers, R rows, N rows there is room for, S slots, T tokens, H heads, F features
of a head, D = H * F.
"""

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias

import attrs
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

from tt_model._config import TransformerConfig
from tt_model._positions import (
    RotaryTable,
    rotary_table,
    visible,
    window_start,
    with_padding,
)
from tt_model.cache.levels import kept
from tt_model.cache.ring_step import RingState, enter, place, transform

if TYPE_CHECKING:
    from tt_model._transformer import TrajectoryTransformer


def suits(device: torch.device) -> bool:
    """Say whether this cache is for a device: any that works behind the processor."""
    return device.type != "cpu"


def start(
    model: "TrajectoryTransformer", prefix: Tensor, origin: int | None = None
) -> tuple[Tensor, RingState]:
    """Read a prefix [R, T]; return the last token's features [R, D] and a state.

    `origin` is the number of rows that a search began with, where it is not R.
    """
    config, (rows, length) = model.config, prefix.shape
    origin = origin or rows
    pad = (prefix < 0).sum(1)
    x = model.embed(prefix, 0, pad)
    state = _room(model, rows, origin, length, pad, x)
    if config.positions == "learned":
        state = attrs.evolve(state, history=prefix)
    index = torch.arange(length, device=pad.device)
    mask = with_padding(visible(config, index, index), pad)
    rotary = rotary_table(config, 0, length, x)
    first = window_start(config, length - 1)
    for layer, block in enumerate(model.layers):
        q, k, v = block.attn.project(block.ln1(x), rotary)
        _store(config, state.keys[layer], k, first)
        _store(config, state.values[layer], v, first)
        x = x + block.attn.mix(q, k, v, mask)
        x = x + block.mlp(block.ln2(x))
    return model.ln_f(x[:, -1]), state


def step(
    model: "TrajectoryTransformer", tokens: Tensor, state: RingState
) -> tuple[Tensor, RingState]:
    """Read one token a row [R]; return features [R, D] and the next state."""
    history = None
    if state.history is not None:
        history = torch.cat([state.history, tokens[:, None]], 1)
        cropped = model.crop(history)
        if cropped.shape[1] < history.shape[1]:
            return start(model, cropped, state.origin)
    rotary = rotary_table(
        model.config, state.position, state.position + 1, model.tok_emb.weight
    )
    enter, transform = _operations(model.tok_emb.weight)
    x = enter(model, tokens, state)
    for layer in range(model.config.layers):
        x = transform(model, layer, x, rotary, state)
    later = attrs.evolve(state, position=state.position + 1, history=history)
    return model.ln_f(x), later


def select(model: "TrajectoryTransformer", state: RingState, rows: Tensor) -> RingState:
    """Return the state of rows [K]; makes room for more rows than there were."""
    history = None if state.history is None else state.history.index_select(0, rows)
    chosen = attrs.evolve(
        state,
        table=state.table.index_select(0, rows),
        pad=state.pad.index_select(0, rows),
        history=history,
    )
    room = state.keys.shape[2]
    if len(rows) <= room:
        return chosen
    model.room[state.origin] = len(rows)
    grown = (0, 0, 0, len(rows) - room)
    return attrs.evolve(
        chosen, keys=F.pad(state.keys, grown), values=F.pad(state.values, grown)
    )


def _room(
    model: "TrajectoryTransformer",
    rows: int,
    origin: int,
    position: int,
    pad: Tensor,
    like: Tensor,
) -> RingState:
    """Allocate a state for as many rows as the last search of this size needed."""
    config = model.config
    slots = config.window * kept(config)
    room = max(rows, model.room.get(origin, 0))
    keys = like.new_empty(config.layers, slots, room, config.width)
    table = torch.arange(rows, dtype=torch.int32, device=like.device)
    return RingState(
        table=table[:, None].repeat(1, slots),
        keys=keys,
        values=torch.empty_like(keys),
        pad=pad,
        position=position,
        origin=origin,
    )


def _store(config: TransformerConfig, slots: Tensor, new: Tensor, first: int) -> None:
    """Write keys or values [R, T, H, F] from index `first` on to slots [S, N, D]."""
    tokens, places = _tokens_and_places(config, first, new.shape[1], new.device)
    stored = rearrange(new.index_select(1, tokens), "r t h f -> t r (h f)")
    slots[:, : len(new)].index_copy_(0, places, stored)


@lru_cache(maxsize=1024)
def _tokens_and_places(
    config: TransformerConfig, first: int, stop: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """List the stored tokens among first..stop-1 and their slots."""
    places = [(index, place(config, index).slot) for index in range(first, stop)]
    stored = [(index, slot) for index, slot in places if slot is not None]
    with torch.inference_mode(False):
        return (
            torch.tensor([index for index, _ in stored], device=device),
            torch.tensor([slot for _, slot in stored], device=device),
        )


Enter: TypeAlias = Callable[["TrajectoryTransformer", Tensor, RingState], Tensor]
Transform: TypeAlias = Callable[
    ["TrajectoryTransformer", int, Tensor, RotaryTable, RingState], Tensor
]


def _operations(like: Tensor) -> tuple[Enter, Transform]:
    """Choose how a step is computed: a few kernels on CUDA, plainly elsewhere."""
    if like.is_cuda and like.dtype != torch.float64 and _has_triton():
        from tt_model.cache import kernels

        return kernels.enter, kernels.transform
    return enter, transform


@lru_cache(maxsize=1)
def _has_triton() -> bool:
    """Look for Triton once: it comes with torch where that has CUDA."""
    return find_spec("triton") is not None
