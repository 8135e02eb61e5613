"""The cache: a ring of slots in which nothing is moved.

Keys and values stay where they were written. A state holds a table that says, for
every row, where each slot of its past lies. Choosing rows moves the table alone. On
CUDA nothing looks at its content, so a whole plan can be recorded as one graph; on a
CPU new tokens are written over what no row reads any more. The slots form a ring of as
many transitions as a token sees; masked positions have none.

How a token is read depends on the device: by kernels on CUDA (`kernels`), by a compiled
library on a CPU (`compiled`), and otherwise by plain operations (`ring_step`), which
define what the others do.

Axes: L layers, R rows, N rows there is room for, S slots, T tokens, H heads, F features
of a head, D = H * F.
"""

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import TypeAlias

import attrs
import torch
from einops import rearrange
from torch import Tensor

from tt_model._blocks import attend_within
from tt_model._config import TransformerConfig
from tt_model._positions import rotary_table, visible, window_start, with_padding
from tt_model._transformer import TrajectoryTransformer
from tt_model.cache import compiled, ring_step
from tt_model.cache.blocks import run_blocks
from tt_model.cache.places import place
from tt_model.cache.prefixes import find_prefixes
from tt_model.cache.recent import Recent, enter
from tt_model.cache.ring_step import Ring, RingState

_Step: TypeAlias = Callable[
    [TrajectoryTransformer, Tensor, RingState], tuple[Tensor, Recent]
]


class RingCache:
    """Keep keys and values in one ring of slots a state, and rows in its table."""

    def __init__(self, model: TrajectoryTransformer, *, plain: bool) -> None:
        """Begin without knowing how many rows a search needs."""
        self._model, self._plain = model, plain
        self._needed: dict[int, int] = {}  # rows of a search, by how many began it
        self._rings: list[Ring] = []  # in use, or those of the last search

    def start(self, prefix: Tensor) -> tuple[Tensor, RingState]:
        """Read a prefix [R, T]; return the last token's features [R, D] and a state."""
        return self._read(prefix, len(prefix))

    def step(self, tokens: Tensor, state: RingState) -> tuple[Tensor, RingState]:
        """Read one token a row [R]; return features [R, D] and the next state."""
        if state.history is not None:
            history = torch.cat([state.history, tokens[:, None]], 1)
            cropped = self._model.crop(history)
            if cropped.shape[1] < history.shape[1]:
                return self._read_again(cropped, state.origin)
        return self._go_on(tokens, state)

    def _go_on(self, tokens: Tensor, state: RingState) -> tuple[Tensor, RingState]:
        """Read one token a row [R] that drops none before it."""
        state.ring.states.discard(state)  # it is used up
        if state.ring.states:  # a fork may read what this step writes over
            state = attrs.evolve(state, ring=_copy(state.ring, state.keys.shape[2]))
            state.ring.states.discard(state)
        features, recent = self._choose_step(state)(self._model, tokens, state)
        history = state.history
        if history is not None:
            history = torch.cat([history, tokens[:, None]], 1)
        later = RingState(
            *(state.table, state.ring, state.pad, state.position + 1, state.origin),
            *(recent, state.weights, history),
        )
        return features, later

    def select(self, state: RingState, rows: Tensor) -> RingState:
        """Return the state of rows [K]; makes room for more rows than there were."""
        history, ring, table = state.history, state.ring, state.table
        if len(rows) > ring.keys.shape[2]:
            self._needed[state.origin] = len(rows)
            ring = _copy(ring, len(rows))
            table = _move(table, *(r.keys.shape[2] for r in (state.ring, ring)))
        return attrs.evolve(
            state,
            table=table.index_select(0, rows),
            ring=ring,
            pad=state.pad.index_select(0, rows),
            history=None if history is None else history.index_select(0, rows),
            recent=state.recent.select(rows),
        )

    def _choose_step(self, state: RingState) -> _Step:
        """Choose how a step is computed: by what is compiled where that can be."""
        weight = self._model.head.weight
        if state.weights is not None and weight.dtype == state.keys.dtype:
            return compiled.step
        usable = weight.is_cuda and weight.dtype != torch.float64 and _has_triton()
        if usable and not self._plain:
            from tt_model.cache import kernels

            return kernels.step
        return ring_step.step

    def _read(self, prefix: Tensor, origin: int) -> tuple[Tensor, RingState]:
        """Read a prefix in a search that began with `origin` rows."""
        model, config, length = self._model, self._model.config, prefix.shape[1]
        pad = (prefix < 0).sum(1)
        x, recent = enter(model, prefix, 0, pad, Recent())
        state = self._make_room(prefix, origin, pad, x, recent)
        index = torch.arange(length, device=pad.device)
        mask = with_padding(visible(config, index, index), pad)
        first, last = window_start(config, length - 1), config.attending_layers - 1

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            _store(config, state.keys[layer], k, first)
            _store(config, state.values[layer], v, first)
            asked = -1 if layer == last else 0  # what the last layer says of one token
            return attend_within(q[:, asked:], k, v, mask[..., asked:, :])

        rotary = rotary_table(config, 0, length, x)
        return run_blocks(model, x, 0, rotary, attend), state

    def _read_again(self, history: Tensor, origin: int) -> tuple[Tensor, RingState]:
        """Read a cropped history [R, T] afresh; on a CPU, what rows share is read once.

        Returns what `step` returns. Used by learned positions, which restart at 0 when
        transitions are dropped from the front.
        """
        if history.device.type != "cpu":  # whose content must not be waited for
            return self._read(history, origin)
        prefixes = find_prefixes(history, least=origin)
        features, state = self._read(prefixes.begun, origin)
        for parents, tokens in prefixes.rest:
            state = self.select(state, parents)  # the only one: no ring is copied
            features, state = self._go_on(tokens, state)
        rows = prefixes.rows
        return features.index_select(0, rows), self.select(state, rows)

    def _make_room(
        self, prefix: Tensor, origin: int, pad: Tensor, like: Tensor, recent: Recent
    ) -> RingState:
        """Allocate a state for as many rows as the last search of this size needed."""
        config, rows = self._model.config, len(prefix)
        slots = config.window * config.stored
        room = max(rows, self._needed.get(origin, 0)) | 1
        shape = (config.attending_layers, slots, room, config.width)
        dtype = like.dtype
        if like.device.type == "cpu":  # which attends in float32 at least
            dtype = torch.promote_types(dtype, torch.float32)
        table = torch.arange(rows, dtype=torch.int32, device=like.device)
        state = RingState(
            table=table[:, None].repeat(1, slots),
            ring=self._take(shape, dtype, like.device),
            pad=pad,
            position=prefix.shape[1],
            origin=origin,
            recent=recent,
            weights=None if self._plain else compiled.prepare(self._model),
            history=prefix if config.positions == "learned" else None,
        )
        if like.device.type == "cpu":  # CUDA's allocator keeps what is free itself
            self._rings.append(state.ring)
        return state

    def _take(
        self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
    ) -> Ring:
        """Return a ring: one whose search is over, if it is alike, else a new one.

        Memory that a process has touched before costs little to touch again. A ring is
        out of the list while it is looked at, so that no two threads take the same.
        """
        busy, found = [], None
        while self._rings and found is None:
            ring = self._rings.pop()
            if ring.states:
                busy.append(ring)
            elif ring.keys.shape == shape and ring.keys.dtype == dtype:
                found = ring
        self._rings.extend(busy)
        if found is not None and found.keys.device == device:
            found.free = None
            return found
        keys = torch.empty(shape, dtype=dtype, device=device)
        return Ring(keys, torch.empty_like(keys))


def _store(config: TransformerConfig, slots: Tensor, new: Tensor, first: int) -> None:
    """Write keys or values [R, T, H, F] from index `first` on to slots [S, N, D]."""
    tokens, places = _tokens_and_places(config, first, new.shape[1], new.device)
    stored = rearrange(new.index_select(1, tokens), "r t h f -> t r (h f)")
    slots[:, : len(new)].index_copy_(0, places, stored.to(slots))


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


def _copy(ring: Ring, room: int) -> Ring:
    """Return the same with room for at least as many rows; what is new is not set.

    The room is odd: slots a power of two apart would share few sets of a CPU's cache.
    """
    copied = []
    for kept in (ring.keys, ring.values):
        wide = kept.new_empty(*kept.shape[:2], room | 1, kept.shape[3])
        wide[:, :, : kept.shape[2]] = kept
        copied.append(wide)
    return Ring(*copied)


def _move(table: Tensor, room: int, wider: int) -> Tensor:
    """Return where the same keys lie once each slot has a wider room.

    An entry that lies in another slot moves by what all slots in between grow.
    """
    slots = table.div(room, rounding_mode="floor")  # beyond its own, or before
    return table + slots * (wider - room)


@lru_cache(maxsize=1)
def _has_triton() -> bool:
    """Look for Triton once: it comes with torch where that has CUDA."""
    return find_spec("triton") is not None
