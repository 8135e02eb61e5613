"""A step of the indexed cache in plain operations, and where its tokens lie.

Axes: R rows, N rows there is room for, S slots, C slots looked at, H heads, F features
of a head, D = H * F.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import attrs
import torch
from torch import Tensor

from tt_model._config import TransformerConfig
from tt_model._positions import RotaryTable, rotate
from tt_model.cache.levels import kept

if TYPE_CHECKING:
    from tt_model._transformer import TrajectoryTransformer


@attrs.frozen(eq=False)
class RingState:
    """What a model remembers, held in place; opaque to everyone else."""

    table: Tensor  # int32 [R, S], the row of each slot that belongs to a row's past
    keys: Tensor  # [L, S, N, D]
    values: Tensor
    pad: Tensor  # [R] tokens of left padding
    position: int  # index of the next token
    origin: int  # rows that the state began with
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
    slot = (transition % config.window) * kept(config) + rank
    return Place(
        None if position in config.masked_positions else slot, transition, rank
    )


def enter(model: "TrajectoryTransformer", tokens: Tensor, state: RingState) -> Tensor:
    """Put the newest tokens [R] into the table and embed them [R, D]."""
    here = place(model.config, state.position)
    if here.slot is not None:
        own = torch.arange(state.rows, dtype=torch.int32, device=tokens.device)
        state.table[:, here.slot] = own
    return model.embed(tokens[:, None], state.position, state.pad)[:, 0]


def transform(
    model: "TrajectoryTransformer",
    layer: int,
    x: Tensor,
    rotary: RotaryTable,
    state: RingState,
) -> Tensor:
    """Take the newest tokens' features [R, D] through one layer."""
    block = model.layers[layer]
    qkv = block.attn.qkv(block.ln1(x))
    x = x + block.attn.proj(attend(model.config, qkv, rotary, state, layer))
    out: Tensor = x + block.mlp(block.ln2(x))
    return out


def attend(
    config: TransformerConfig,
    qkv: Tensor,
    rotary: RotaryTable,
    state: RingState,
    layer: int,
) -> Tensor:
    """Store the newest token's keys and values, and attend from it.

    Args:
        config: the model's shape.
        qkv: its projections [R, 3 * D].
        rotary: how they are rotated.
        state: with the newest token in its table already.
        layer: of the network.

    Returns:
        What was attended to [R, D].
    """
    rows, room = state.rows, state.keys.shape[2]
    here = place(config, state.position)
    q, k, v = qkv.view(rows, 1, 3, config.heads, -1).unbind(2)
    q, k = rotate(torch.stack([q, k], 2), rotary).unbind(2)
    keys, values = state.keys[layer], state.values[layer]  # [S, N, D]
    if here.slot is not None:
        keys[here.slot, :rows] = k.flatten(1)
        values[here.slot, :rows] = v.flatten(1)
    slots, ages = _seen(config, state.position, qkv.device)
    entries = slots * room + state.table.index_select(1, slots)  # [R, C]
    seen = here.transition - ages >= state.pad[:, None] // config.transition
    shape = (*entries.shape, *q.shape[2:])
    k, v = (t.flatten(0, 1)[entries].view(shape) for t in (keys, values))
    scores = torch.einsum("rhf,rchf->rhc", q[:, 0], k)
    scores = scores.masked_fill(~seen[:, None], -torch.inf)
    return torch.einsum("rhc,rchf->rhf", scores.softmax(-1), v).flatten(1)


@lru_cache(maxsize=4096)
def _seen(
    config: TransformerConfig, index: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """List the slots that a token looks at, and how many transitions old each is."""
    here, each = place(config, index), kept(config)
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
