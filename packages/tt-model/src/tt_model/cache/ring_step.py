"""A step of the ring in plain operations, and where its tokens lie.

Axes: R rows, N rows there is room for, S slots, C slots looked at, H heads, F features
of a head, D = H * F.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import attrs
import torch
from torch import Tensor

from tt_model._config import TransformerConfig
from tt_model._positions import rotary_table
from tt_model._transformer import TrajectoryTransformer
from tt_model.cache.blocks import run_blocks
from tt_model.cache.recent import Recent, enter


@attrs.frozen(eq=False)
class RingState:
    """What a decoder remembers, held in place; opaque to everyone else."""

    table: Tensor  # int32 [R, S], the row of each slot that belongs to a row's past
    keys: Tensor  # [L, S, N, D]
    values: Tensor
    pad: Tensor  # [R] tokens of left padding
    position: int  # index of the next token
    origin: int  # rows that the state began with
    recent: Recent
    history: Tensor | None = None  # [R, position], for learned positions

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.table)


class Place(NamedTuple):
    """Where the token at an index is stored, and which slots it looks at."""

    slot: int | None  # None for a masked token
    transition: int
    rank: int  # stored tokens before it in its transition


@lru_cache(maxsize=4096)
def place(config: TransformerConfig, index: int) -> Place:
    """Find the place of a token index in the ring."""
    transition, position = divmod(index, config.transition)
    rank = position - sum(e < position for e in config.masked_positions)
    slot = (transition % config.window) * config.stored + rank
    return Place(None if config.is_masked(index) else slot, transition, rank)


def step(
    model: TrajectoryTransformer, tokens: Tensor, state: RingState
) -> tuple[Tensor, Recent]:
    """Read the newest tokens [R] into a state.

    Returns their features [R, D], and what inputs and outputs are to remember.
    """
    config, index = model.config, state.position
    x, recent = begin_step(model, tokens, state)
    rotary = rotary_table(config, index, index + 1, x)
    attend = partial(_attend, config, state)
    return run_blocks(model, x[:, None], index, rotary, attend), recent


def begin_step(
    model: TrajectoryTransformer, tokens: Tensor, state: RingState
) -> tuple[Tensor, Recent]:
    """Put the newest tokens [R] into the table; return their inputs [R, D]."""
    slot = place(model.config, state.position).slot
    if slot is not None:
        own = torch.arange(state.rows, dtype=torch.int32, device=tokens.device)
        state.table[:, slot] = own
    x, recent = enter(model, tokens[:, None], state.position, state.pad, state.recent)
    return x[:, 0], recent


def _attend(
    config: TransformerConfig,
    state: RingState,
    layer: int,
    q: Tensor,
    k: Tensor,
    v: Tensor,
) -> Tensor:
    """Store the newest token's keys and values, and attend from it.

    Takes q, k and v [R, 1, H, F], the newest token in the state's table already;
    returns [R, 1, D].
    """
    rows, room = state.rows, state.keys.shape[2]
    here = place(config, state.position)
    keys, values = state.keys[layer], state.values[layer]  # [S, N, D]
    if here.slot is not None:
        keys[here.slot, :rows] = k.flatten(1)
        values[here.slot, :rows] = v.flatten(1)
    slots, ages = _seen(config, state.position, q.device)
    entries = slots * room + state.table.index_select(1, slots)  # [R, C]
    seen = here.transition - ages >= state.pad[:, None] // config.transition
    shape = (*entries.shape, *q.shape[2:])
    k, v = (t.flatten(0, 1)[entries].view(shape) for t in (keys, values))
    scores = torch.einsum("rhf,rchf->rhc", q[:, 0], k)
    scores = scores.masked_fill(~seen[:, None], -torch.inf)
    mixed = torch.einsum("rhc,rchf->rhf", scores.softmax(-1), v)
    return mixed.flatten(1)[:, None]


@lru_cache(maxsize=4096)
def _seen(
    config: TransformerConfig, index: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """List the slots that a token looks at, and how many transitions old each is."""
    here, each = place(config, index), config.stored
    found = []
    for slot in range(config.window * each):
        block, rank = divmod(slot, each)
        age = (here.transition - block) % config.window
        if age == 0 and rank > here.rank - (here.slot is None):
            continue
        if age <= here.transition:
            found.append((slot, age))
    with torch.inference_mode(False):
        table = torch.tensor(found, device=device)
    return table[:, 0], table[:, 1]
