"""Where the tokens of a ring lie: their slots, and the entries that are free.

Axes: R rows, S slots, N rows that each has room for.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from tt_model._config import TransformerConfig

_LISTED = 8  # tokens of all rows that free entries are listed for


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


@lru_cache(maxsize=4096)
def list_seen(
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
        slots, ages = torch.tensor(found, device=device).t().contiguous()
    return slots, ages


def list_free(
    config: TransformerConfig, table: Tensor, index: int, room: int
) -> Tensor:
    """List entries [S * N] that rows of a table [R, S] read at no index from this on.

    The token at the index itself is yet to be stored. There are at least R, the first
    ones alone, so that what is in use stays together.
    """
    seen, _ = list_seen(config, index, table.device)
    seen = seen[seen != place(config, index).slot]
    used = (seen * room + table.index_select(1, seen)).flatten()
    free = torch.ones(table.shape[1] * room, dtype=torch.bool).index_fill_(0, used, 0)
    return free.nonzero()[: _LISTED * room, 0].int()
