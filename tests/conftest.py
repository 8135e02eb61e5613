"""Run torch on one thread: tests are small, and threads that wait slow them tenfold."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from torch import Tensor

    from tt_model import TrajectoryTransformer

if find_spec("torch"):  # tt-tokenize is tested without it
    import torch

    torch.set_num_threads(1)


class Naive:
    """The transformer without a cache: its state is all tokens so far."""

    def __init__(self, model: TrajectoryTransformer) -> None:
        self.model = model

    def start(self, prefix: Tensor, /) -> tuple[Tensor, Tensor]:
        return self.model.next_logits(prefix), prefix

    def step(self, tokens: Tensor, state: Tensor, /) -> tuple[Tensor, Tensor]:
        return self.start(torch.cat([state, tokens[:, None]], 1))

    def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
        return state[rows]


@pytest.fixture
def naive() -> type[Naive]:
    """Plan by a full pass for every token, which says what a cache must give."""
    return Naive
