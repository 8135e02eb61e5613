"""The cache of the CPU: rows share the keys and values of what they have in common.

A prefix is many tokens and a step is one; both are read on top of a state alike.

Axes: R rows, n new tokens, D features.
"""

from collections.abc import Sequence

import attrs
import torch
from torch import Tensor

from tt_model._config import TransformerConfig
from tt_model._positions import rotary_table, window_start
from tt_model._transformer import TrajectoryTransformer
from tt_model.cache.blocks import run_blocks
from tt_model.cache.level_attention import prepare_attention
from tt_model.cache.levels import (
    Level,
    Pool,
    SharedState,
    Store,
    fork,
    is_repeat,
    merge,
)
from tt_model.cache.recent import enter


class SharedCache:
    """Keep what was read in levels (see `levels`), each in buffers of a pool."""

    def __init__(self, model: TrajectoryTransformer) -> None:
        """Begin with an empty pool."""
        self.pool = Pool()
        self._model = model

    def start(self, prefix: Tensor) -> tuple[Tensor, SharedState]:
        """Read a prefix [R, T]; return the last token's features [R, D] and a state."""
        return self._read(prefix, _nothing_read(self._model.config, prefix))

    def step(self, tokens: Tensor, state: SharedState) -> tuple[Tensor, SharedState]:
        """Read one token a row [R]; return features [R, D] and the next state."""
        column = tokens[:, None]
        if state.history is not None:
            history = torch.cat([state.history, column], 1)
            cropped = self._model.crop(history)
            if cropped.shape[1] < history.shape[1]:
                return self._read_again(cropped, state)
        return self._read(column, state)

    def select(self, state: SharedState, rows: Tensor) -> SharedState:
        """Return the state of rows [K].

        Nothing is copied where every row is repeated equally often, in order, or where
        rows stay within the group that shares a prefix.
        """
        if is_repeat(rows, state.rows):
            return fork(state, rows)
        return merge(self.pool, self._model.config, state, rows)

    def _read(self, tokens: Tensor, state: SharedState) -> tuple[Tensor, SharedState]:
        """Read tokens [R, n] on top of a state; return what `step` returns."""
        model, config = self._model, self._model.config
        begin, end = state.position, state.position + tokens.shape[1]
        first = window_start(config, begin)
        x, recent = enter(model, tokens, begin, state.pad, state.recent)
        new = [i for i in range(begin, end) if not config.is_masked(i)]
        levels = self._make_room(state, new, first, x)
        attend = prepare_attention(config, state, levels, new, tokens)
        rotary = rotary_table(config, begin, end, x)
        features = run_blocks(model, x, begin, rotary, attend)
        later = attrs.evolve(state, levels=levels, position=end, recent=recent)
        if state.history is None:
            return features, later
        history = torch.cat([state.history, tokens], 1)
        return features, attrs.evolve(later, history=history)

    def _read_again(
        self, history: Tensor, state: SharedState
    ) -> tuple[Tensor, SharedState]:
        """Read a cropped history [R, n] afresh; what a group shares is read once.

        Returns what `step` returns. Used by learned positions, which restart at 0 when
        transitions are dropped from the front.
        """
        config = self._model.config
        times = state.rows // state.levels[0].rows
        length = state.shared - (state.position + 1 - history.shape[1])
        if times == 1 or length <= 0:
            return self._read(history, _nothing_read(config, history))
        shared = history[::times, :length]
        _, base = self._read(shared, _nothing_read(config, shared))
        spread = torch.arange(base.rows, device=history.device).repeat_interleave(times)
        return self._read(history[:, length:], fork(base, spread))

    def _make_room(
        self, state: SharedState, new: Sequence[int], first: int, like: Tensor
    ) -> tuple[Level, ...]:
        """Return the levels still seen, the new columns at the end of the last one."""
        config = self._model.config
        *rest, tail = state.levels
        rest = [level for level in rest if level.columns and level.columns[-1] >= first]
        least = config.stored
        if tail.store is not None and len(tail.columns) + len(new) > tail.store.size:
            rest, tail = [*rest, tail], Level(state.rows)
            least *= config.window
        if tail.store is None and new:
            size = max(least, len(new))
            store = Store(self.pool, config, state.rows, size, like)
            tail = attrs.evolve(tail, store=store)
        return (*rest, attrs.evolve(tail, columns=(*tail.columns, *new)))


def _nothing_read(config: TransformerConfig, prefix: Tensor) -> SharedState:
    """Return the state of having read nothing, for the rows of a prefix [R, n]."""
    rows = prefix.shape[0]
    pad = (prefix < 0).sum(1)
    padded = int(pad.max())
    return SharedState(
        rows=rows,
        levels=(Level(rows),),
        pad=pad if padded else None,
        padded=padded,
        history=prefix[:, :0] if config.positions == "learned" else None,
    )
