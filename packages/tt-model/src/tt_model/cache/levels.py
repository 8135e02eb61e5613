"""Keys and values of what was read, shared between the rows that agree on it.

A state is a stack of levels. Every level serves groups of equally many rows in
order: the context once an environment, a beam's history once a beam, the newest
tokens once a candidate. Spreading rows evenly (`fork`) opens a new level and copies
nothing; any other choice of rows (`merge`) copies the levels whose groups it breaks,
and only the tokens that are still in the window. Masked positions are never stored.

Axes: L layers, R rows of a level, H heads, F features of a head, C columns.
"""

import math
import weakref
from bisect import bisect_left

import attrs
import torch
from torch import Tensor

from tt_model._config import TransformerConfig
from tt_model._positions import window_start
from tt_model.cache.recent import Recent

_SPARE = 1.5  # times the largest number of bytes ever in use, kept at most


class Pool:
    """Keep buffers that states no longer use, for the next state of that shape.

    A plan needs the same shapes again and again, other plans need others: those not
    used for the longest are let go where all together would be more than a plan needs.

    Attributes:
        used: Bytes of the buffers that states use.
        spare: Bytes of those kept for later.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.used = self.spare = self._most = 0
        self._free: dict[tuple[object, ...], list[Tensor]] = {}  # oldest shape first

    def take(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Return a buffer of this shape with unspecified content."""
        free = self._free.get((shape, like.dtype, like.device))
        size = math.prod(shape) * like.element_size()
        self.used += size
        self._most = max(self._most, self.used)
        if free:
            self.spare -= size
            return free.pop()
        self._let_go()
        return like.new_empty(shape)

    def give(self, buffer: Tensor) -> None:
        """Take a buffer back."""
        key = (tuple(buffer.shape), buffer.dtype, buffer.device)
        free = self._free.pop(key, [])
        free.append(buffer)
        self._free[key] = free  # the newest shape
        self.used -= buffer.nbytes
        self.spare += buffer.nbytes

    def _let_go(self) -> None:
        """Drop the oldest spare buffers while there is too much."""
        while self.spare and self.used + self.spare > _SPARE * self._most:
            key, free = next(iter(self._free.items()))
            if free:
                self.spare -= free.pop().nbytes
            else:
                del self._free[key]


class Store:
    """Buffers of one level; they return to the pool when nothing refers to them."""

    def __init__(
        self, pool: Pool, config: TransformerConfig, rows: int, size: int, like: Tensor
    ) -> None:
        """Take buffers for `rows` rows and `size` columns."""
        self.size = size
        shape = (config.attending_layers, rows, config.heads, size, config.head_width)
        self.keys = pool.take(shape, like)  # [L, R, H, C, F]
        self.values = pool.take(shape, like)
        for buffer in (self.keys, self.values):
            weakref.finalize(self, pool.give, buffer).atexit = False


@attrs.frozen
class Level:
    """Keys and values of `rows` rows at the token indices `columns`."""

    rows: int
    columns: tuple[int, ...] = ()
    store: Store | None = None

    def since(self, first: int) -> slice:
        """Return the columns at token index `first` or later."""
        return slice(bisect_left(self.columns, first), len(self.columns))

    def read(self, first: int) -> tuple[Tensor, Tensor]:
        """Return keys and values [L, R, H, C, F] from token index `first` on."""
        assert self.store is not None
        columns = self.since(first)
        return self.store.keys[:, :, :, columns], self.store.values[:, :, :, columns]


@attrs.frozen
class SharedState:
    """What a decoder remembers; opaque to everyone else.

    The last level belongs to this state alone and takes what it reads next.
    """

    rows: int
    levels: tuple[Level, ...]
    position: int = 0  # index of the next token
    pad: Tensor | None = None  # [rows] tokens of left padding
    padded: int = 0  # the largest of them
    history: Tensor | None = None  # [rows, position], for learned positions
    shared: int = 0  # leading tokens that the rows of one group of levels[0] share
    recent: Recent = attrs.field(factory=Recent)


def is_repeat(rows: Tensor, count: int) -> bool:
    """Say whether rows [K] repeats 0..count-1 equally often, in order."""
    times, rest = divmod(len(rows), count)
    if rest or not times:
        return False
    even = torch.arange(count, device=rows.device).repeat_interleave(times)
    return torch.equal(rows, even)


def fork(state: SharedState, rows: Tensor) -> SharedState:
    """Spread every row evenly, sharing all that was read."""
    times = len(rows) // state.rows
    shared = state.position if len(state.levels) == 1 else state.shared
    return attrs.evolve(
        _pick(state, rows),
        levels=(*state.levels, Level(state.rows * times)),
        shared=shared,
    )


def merge(
    pool: Pool, config: TransformerConfig, state: SharedState, rows: Tensor
) -> SharedState:
    """Pick any rows; copy the levels that can't be shared into one of their own."""
    kept = 0
    owners = [rows // (state.rows // level.rows) for level in state.levels]
    for level, owner in zip(state.levels, owners, strict=True):
        if not is_repeat(owner, level.rows):
            break
        kept += 1
    moved = list(zip(state.levels, owners, strict=True))[kept:]
    first = window_start(config, state.position)
    merged = _gather(pool, config, moved, first, len(rows))
    return attrs.evolve(
        _pick(state, rows),
        levels=(*state.levels[:kept], merged),
        shared=state.shared if kept else 0,
    )


def _pick(state: SharedState, rows: Tensor) -> SharedState:
    """Move what is kept per row; the levels are the caller's."""
    pad = None if state.pad is None else state.pad[rows]
    history = None if state.history is None else state.history[rows]
    recent = state.recent.select(rows)
    return attrs.evolve(state, rows=len(rows), pad=pad, history=history, recent=recent)


def _gather(
    pool: Pool,
    config: TransformerConfig,
    moved: list[tuple[Level, Tensor]],
    first: int,
    rows: int,
) -> Level:
    """Copy rows of some levels, each with its owners [R], into a level of their own."""
    columns = [c for level, _ in moved for c in level.columns[level.since(first)]]
    like = next((lv.store.keys for lv, _ in moved if lv.store is not None), None)
    if like is None or not columns:
        return Level(rows)
    size = max((config.window + 1) * config.stored, len(columns) + config.stored)
    store, filled = Store(pool, config, rows, size, like), 0
    for level, owner in moved:
        filled = _copy(level, owner, first, store, filled)
    return Level(rows, tuple(columns), store)


def _copy(level: Level, owner: Tensor, first: int, store: Store, begin: int) -> int:
    """Copy a level's rows owner [R] from token index `first` on; return the end."""
    columns = level.since(first)
    end: int = begin + columns.stop - columns.start
    if begin == end:
        return end
    written = store.keys[:, :, :, begin:end], store.values[:, :, :, begin:end]
    for old, new in zip(level.read(first), written, strict=True):
        for layer in range(len(old)):
            torch.index_select(old[layer], 0, owner, out=new[layer])
    return end
