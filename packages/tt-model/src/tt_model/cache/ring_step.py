"""A step of the ring in plain operations, and the state that it goes on from.

Axes: R rows, N rows there is room for, S slots, C slots looked at, H heads, F features
of a head, D = H * F.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple, TypeAlias
from weakref import WeakSet

import attrs
import torch
from torch import Tensor
from torch.nn import functional as F

from tt_model._config import TransformerConfig
from tt_model._positions import rotary_table
from tt_model._transformer import TrajectoryTransformer
from tt_model.cache.blocks import run_blocks
from tt_model.cache.places import list_free, list_seen, place
from tt_model.cache.recent import Recent, enter
from tt_model.cache.weights import Weights


@attrs.define(eq=False)
class Ring:
    """Keys and values, and the states that may yet read them: one, or forks of one."""

    keys: Tensor  # [L, S, N, D]
    values: Tensor
    states: "WeakSet[RingState]" = attrs.field(factory=WeakSet, init=False)
    free: Tensor | None = None  # int32, entries of [S * N] that no state reads


@attrs.frozen(eq=False)
class RingState:
    """What a decoder remembers, held in place; opaque to everyone else."""

    table: Tensor  # int32 [R, S], where a row's past lies, from a slot's first row on
    ring: Ring
    pad: Tensor  # [R] tokens of left padding
    position: int  # index of the next token
    origin: int  # rows that the state began with
    recent: Recent
    weights: Weights | None = None  # for the compiled step
    history: Tensor | None = None  # [R, position], for learned positions

    def __attrs_post_init__(self) -> None:
        """Be one of those that read the ring."""
        self.ring.states.add(self)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.table.shape[0]

    @property
    def keys(self) -> Tensor:
        """The keys of the ring [L, S, N, D]."""
        return self.ring.keys

    @property
    def values(self) -> Tensor:
        """The values of the ring [L, S, N, D]."""
        return self.ring.values


def step(
    model: TrajectoryTransformer, tokens: Tensor, state: RingState
) -> tuple[Tensor, Recent]:
    """Read the newest tokens [R] into a state.

    Returns their features [R, D], and what inputs and outputs are to remember.
    """
    config, index = model.config, state.position
    x, recent = begin_step(model, tokens, state)
    rotary = rotary_table(config, index, index + 1, x)
    prepare = _prepare_sparse if x.device.type == "cpu" else _prepare_gathered
    mix = prepare(_look(config, state), config.heads)
    attend = partial(_attend, config, state, mix)
    return run_blocks(model, x[:, None], index, rotary, attend), recent


def begin_step(
    model: TrajectoryTransformer, tokens: Tensor, state: RingState
) -> tuple[Tensor, Recent]:
    """Put the newest tokens [R] into the table; return their inputs [R, D]."""
    slot = place(model.config, state.position).slot
    if slot is not None:
        state.table[:, slot] = _find_room(model.config, state, slot)
    x, recent = enter(model, tokens[:, None], state.position, state.pad, state.recent)
    return x[:, 0], recent


def _find_room(config: TransformerConfig, state: RingState, slot: int) -> Tensor:
    """Choose where to store the newest tokens [R], counted from their slot's first row.

    That is the row itself, or on a CPU, where the table can be looked at, the first
    entries that no row needs any more, of whatever slot: a search keeps few of the rows
    that it reads, and memory that is not touched costs nothing.
    """
    rows, ring = state.rows, state.ring
    if state.table.device.type != "cpu":
        return torch.arange(rows, dtype=torch.int32, device=state.table.device)
    if ring.free is None or ring.free.shape[0] < rows:
        room = ring.keys.shape[2]
        ring.free = list_free(config, state.table, state.position, room)
    own, ring.free = ring.free[:rows], ring.free[rows:]
    return own - slot * ring.keys.shape[2]


@lru_cache(maxsize=1)
def _expect_sparse() -> None:
    """Let torch warn once, unheard, that sparse tensors are in beta state."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.eye(1).to_sparse_csr()


class _Look(NamedTuple):
    """What the rows of a state look at: entries of the keys [S * N, D] of a layer."""

    entries: Tensor  # [R, C]
    hidden: Tensor | None  # [R, 1, C], those that are padding, if there may be any


def _look(config: TransformerConfig, state: RingState) -> _Look:
    """List what the newest token of each row sees, itself among it if it is stored."""
    slots, ages = list_seen(config, state.position, state.table.device)
    entries = slots * state.keys.shape[2] + state.table.index_select(1, slots)
    if state.pad.device.type == "cpu" and not state.pad.any():
        return _Look(entries, None)
    oldest = state.position // config.transition - state.pad // config.transition
    return _Look(entries, (ages > oldest[:, None])[:, None])


_Mix: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Attend from queries [R, H, F] to keys and values [S * N, H, F]; return [R, H, F]."""


def _attend(
    config: TransformerConfig,
    state: RingState,
    mix: _Mix,
    layer: int,
    q: Tensor,
    k: Tensor,
    v: Tensor,
) -> Tensor:
    """Store the newest token's keys and values, and attend from it.

    Takes q, k and v [R, 1, H, F], the newest token in the state's table already;
    returns [R, 1, D].
    """
    slot = place(config, state.position).slot
    flat_keys, flat_values = (
        kept[layer].view(-1, *q.shape[2:]) for kept in (state.keys, state.values)
    )
    if slot is not None:
        own = slot * state.keys.shape[2] + state.table[:, slot]
        flat_keys[own] = k[:, 0].to(flat_keys)
        flat_values[own] = v[:, 0].to(flat_values)
    mixed = mix(q[:, 0].to(flat_keys), flat_keys, flat_values)
    return mixed.to(q).flatten(1)[:, None]


def _prepare_gathered(look: _Look, _heads: int) -> _Mix:
    """Attend as one would write it down: copy what is looked at."""

    def mix(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        scores = torch.einsum("rhf,rchf->rhc", q, keys[look.entries])
        weights = _weigh(scores, look.hidden)
        return torch.einsum("rhc,rchf->rhf", weights, values[look.entries])

    return mix


def _prepare_sparse(look: _Look, heads: int) -> _Mix:
    """Attend without a copy: two operations of torch's read what they are told to."""
    rows, count = look.entries.shape
    order = torch.arange(heads)[:, None]
    index = (look.entries[:, None] * heads + order).view(rows * heads, count)
    ends = torch.arange(0, index.numel() + 1, count)
    _expect_sparse()

    def mix(q: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        flat_keys, flat_values = (t.flatten(0, 1) for t in (keys, values))
        asked = torch.sparse_csr_tensor(
            ends,
            index.flatten(),
            q.new_zeros(index.numel()),
            (len(index), len(flat_keys)),
            check_invariants=False,
        )
        found = torch.sparse.sampled_addmm(
            asked, q.flatten(0, 1), flat_keys.t(), beta=0.0
        )
        scores = found.values().view(rows, heads, count)
        weights = _weigh(scores, look.hidden).view(index.shape)
        mixed = F.embedding_bag(
            index, flat_values, per_sample_weights=weights, mode="sum"
        )
        return mixed.view(q.shape)

    return mix


def _weigh(scores: Tensor, hidden: Tensor | None) -> Tensor:
    if hidden is not None:
        scores = scores.masked_fill(hidden, -torch.inf)
    return scores.softmax(-1)
