from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from tt_plan import SequenceModel


class Table:
    """Look logits up under a rolling hash of all tokens so far; -1 is padding."""

    def __init__(self, width: int, seed: int = 0, last: float = 0.0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.table = torch.randn(65_537, width, generator=generator)
        self.table[:, -1] += last

    def start(self, prefix: Tensor, /) -> tuple[Tensor, Tensor]:
        logits, state = self.table[:0], torch.zeros_like(prefix[:, 0])
        for column in prefix.unbind(1):
            logits, state = self.step(column, state)
        return logits, state

    def step(self, tokens: Tensor, state: Tensor, /) -> tuple[Tensor, Tensor]:
        state = (state * 8191 + tokens + 1) % len(self.table)
        return self.table[state], state

    def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
        return state[rows]


@pytest.fixture
def table() -> Callable[..., SequenceModel[Tensor]]:
    """Make a model whose logits are a fixed random function of the whole history."""
    return Table


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep small operations from waiting for a core that another process holds."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
