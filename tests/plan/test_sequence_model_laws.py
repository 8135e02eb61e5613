from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from tt_plan import SequenceModel
from tt_plan.testing import check_sequence_model

Make = Callable[..., SequenceModel[Tensor]]


def check(model: SequenceModel[Any], **settings: Any) -> None:
    check_sequence_model(model, vocabulary=5, transition=3, **settings)


class Wrapped:
    """Pass everything on; each law is broken by one override."""

    def __init__(self, inner: SequenceModel[Tensor]) -> None:
        self.inner = inner

    def start(self, prefix: Tensor, /) -> tuple[Tensor, Any]:
        return self.inner.start(prefix)

    def step(self, tokens: Tensor, state: Any, /) -> tuple[Tensor, Any]:
        return self.inner.step(tokens, state)

    def select(self, state: Any, rows: Tensor, /) -> Any:
        return self.inner.select(state, rows)


class Forgets(Wrapped):
    def step(self, tokens: Tensor, state: Any, /) -> tuple[Tensor, Any]:
        logits, _ = self.inner.step(tokens, state)
        return logits, state


class MixesRows(Wrapped):
    def start(self, prefix: Tensor, /) -> tuple[Tensor, Any]:
        logits, state = self.inner.start(prefix)
        return logits + logits.mean(), state

    def step(self, tokens: Tensor, state: Any, /) -> tuple[Tensor, Any]:
        logits, state = self.inner.step(tokens, state)
        return logits + logits.mean(), state


class SelectsNothing(Wrapped):
    def select(self, state: Any, rows: Tensor, /) -> Any:
        return state.repeat(-(-len(rows) // len(state)))[: len(rows)]


class SharesForks(Wrapped):
    """Write every step of one length into one buffer, selections included."""

    def start(self, prefix: Tensor, /) -> tuple[Tensor, Any]:
        logits, state = self.inner.start(prefix)
        self.buffer = torch.zeros(32, dtype=torch.int64)
        self.buffer[: len(state)] = state
        return logits, self.buffer[: len(state)]

    def step(self, tokens: Tensor, state: Any, /) -> tuple[Tensor, Any]:
        logits, state[:] = self.inner.step(tokens, state)
        return logits, state

    def select(self, state: Any, rows: Tensor, /) -> Any:
        self.buffer[: len(rows)] = state[rows]
        return self.buffer[: len(rows)]


class StopsAll(Wrapped):
    def step(self, tokens: Tensor, state: Any, /) -> tuple[Tensor, Any]:
        logits, state = self.inner.step(tokens, state)
        return logits + (tokens == 5).any(), state


class ReadsPadding(Wrapped):
    def start(self, prefix: Tensor, /) -> tuple[Tensor, Any]:
        return self.inner.start(prefix + 1)

    def step(self, tokens: Tensor, state: Any, /) -> tuple[Tensor, Any]:
        return self.inner.step(tokens + 1, state)


def test_model_that_keeps_the_laws_passes(table: Make) -> None:
    check(table(6), left_padding=True)
    check(table(5), stop=False, transitions=1, batch=2)
    check(Wrapped(table(6)), transitions=4, batch=4)


class Spoils(Wrapped):
    """Put a number into the logits of one row, at one call."""

    def __init__(
        self, inner: SequenceModel[Tensor], number: float, call: str, count: int
    ) -> None:
        super().__init__(inner)
        self.number, self.call, self.count = number, call, count

    def start(self, prefix: Tensor, /) -> tuple[Tensor, Any]:
        logits, state = self.inner.start(prefix)
        return self._spoil(logits, "start", prefix.shape[1]), (state, prefix.shape[1])

    def step(self, tokens: Tensor, state: Any, /) -> tuple[Tensor, Any]:
        logits, inner = self.inner.step(tokens, state[0])
        return self._spoil(logits, "step", state[1] + 1), (inner, state[1] + 1)

    def select(self, state: Any, rows: Tensor, /) -> Any:
        return self.inner.select(state[0], rows), state[1]

    def _spoil(self, logits: Tensor, call: str, length: int) -> Tensor:
        logits = logits.clone()
        if call == self.call and length == self.count:
            logits[-1, 2] = self.number
        return logits


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("call", "count", "place"),
    [
        ("start", 1, "after 1 tokens"),
        ("step", 4, "after 4 tokens"),
        ("start", 5, "steps after a start must equal a start with all 5 tokens"),
    ],
)
def test_logits_that_are_nan_are_told_by_one_clear_error(
    table: Make, number: float, call: str, count: int, place: str
) -> None:
    with pytest.raises(AssertionError, match=f"^{place}: logits are NaN or infinite"):
        check(Spoils(table(6), number, call, count))


def test_impossible_tokens_break_no_law(table: Make) -> None:
    check(Spoils(table(6), -float("inf"), "nowhere", 0))
    impossible: Any = table(6)
    impossible.table[::3, 1:4] = -torch.inf
    check(impossible, left_padding=True)


def test_a_difference_beside_impossible_tokens_is_a_number(table: Make) -> None:
    impossible: Any = table(6)
    impossible.table[:, 1] = -torch.inf
    with pytest.raises(AssertionError, match=r"logits differ by \d"):
        check(Forgets(impossible))


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (Forgets, "steps after a start must equal a start with all 3 tokens"),
        (MixesRows, "row 0 after 1 tokens must not depend on other rows"),
        (SelectsNothing, "select, then step must continue the selected rows"),
        (SharesForks, "fork 0 of a state selected twice must not feel the other"),
        (StopsAll, "stop tokens in row 0 must not change other rows"),
        (ReadsPadding, "padding of row 0 must change nothing"),
    ],
)
def test_broken_law_is_named(table: Make, broken: type[Wrapped], law: str) -> None:
    with pytest.raises(AssertionError, match=law):
        check(broken(table(6)), left_padding=True)


def test_logits_of_the_wrong_width_are_named(table: Make) -> None:
    with pytest.raises(AssertionError, match=r"logits after 1 tokens must be \(3, 6\)"):
        check(table(5))


def test_too_few_rows_are_refused(table: Make) -> None:
    with pytest.raises(ValueError, match="the laws need at least 2 rows"):
        check(table(6), batch=1)
