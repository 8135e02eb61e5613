"""What a planner's parts return is looked at: one ValueError says what is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tt_plan import (
    Advantage,
    Expectation,
    FunctionEvaluator,
    Goal,
    LogLikelihood,
    Outcome,
    Quantile,
    QValue,
    SequenceModel,
    beam_search,
    best_of_n,
    greedy,
    likelihood_search,
)

Make = Callable[..., SequenceModel[Any]]
NAN, INF = float("nan"), float("inf")
P, V = 3, 4
PREFIX = torch.tensor([[0, 0, 0], [1, 1, 1]])
MIDDLES = torch.arange(4.0)
TOKENS, LOGITS = torch.zeros(2, P).long(), torch.zeros(2, P, V)


@pytest.mark.parametrize("positions", [(9, 1), (1, -4), (3,)])
@pytest.mark.parametrize("make", [Expectation, lambda *a: Quantile(0.5, *a)])
def test_positions_outside_of_the_transition_are_refused(
    make: Callable[..., Any], positions: tuple[int, ...]
) -> None:
    middles = (MIDDLES, MIDDLES if len(positions) > 1 else None)
    evaluator = make(*middles, positions)
    with pytest.raises(ValueError, match=r"reads positions .* but a transition has 3"):
        evaluator(TOKENS, LOGITS)


@pytest.mark.parametrize("positions", [[None], (), (-2,), (0.5, 1), b"\xff\xff", 3])
@pytest.mark.parametrize("make", [Expectation, lambda *a: Quantile(0.5, *a)])
def test_positions_that_are_none_are_refused(
    make: Callable[..., Any], positions: Any
) -> None:
    with pytest.raises(ValueError, match="positions must be whole numbers"):
        make(MIDDLES, MIDDLES, positions)


@pytest.mark.parametrize("positions", [[None], (0.5,), "ab", (9,)])
def test_positions_of_a_function_are_looked_at(table: Make, positions: Any) -> None:
    evaluator = FunctionEvaluator(lambda t, _: Outcome(t[:, 0], t[:, 0]), positions)
    with pytest.raises(ValueError, match="positions"):
        beam_search(table(V), PREFIX, evaluator, samplers=[greedy()] * P, horizon=1)


@pytest.mark.parametrize("name", ["transition", "horizon", "beam"])
@pytest.mark.parametrize("count", [NAN, INF, 1.0, "1", None])
def test_counts_that_are_no_whole_numbers_are_refused(
    table: Make, name: str, count: Any
) -> None:
    counts: dict[str, Any] = {"transition": P, "horizon": 1, "beam": 2, name: count}
    with pytest.raises(ValueError, match=f"{name} must be a whole number"):
        likelihood_search(table(V), PREFIX, **counts)


@pytest.mark.parametrize("scale", [10**400, INF, NAN, 0.0, -1.0, 1e-46, 1e39])
def test_a_scale_that_is_no_number_of_float32_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale must be a distance above 0"):
        Goal([1.0], MIDDLES[None], scale=scale)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda tokens: None, "tokens as int64 .* got NoneType"),
        (lambda tokens: tokens.numpy(), "tokens as int64 .* got ndarray"),
        (lambda tokens: tokens.float(), "tokens as int64 .* got torch.float32"),
        (lambda tokens: tokens[:, 0], r"tokens \[., .\] on cpu, but got \[.\]"),
        (lambda tokens: tokens.to("meta"), "on cpu, but got .* on meta"),
        (lambda tokens: tokens + V, "tokens below 4, or -1 for none, but got 4"),
        (lambda tokens: tokens - 5, "tokens below 4, or -1 for none, but got -"),
    ],
)
@pytest.mark.parametrize("search", [beam_search, best_of_n])
@pytest.mark.parametrize("place", range(P))
def test_what_a_sampler_draws_is_looked_at(
    table: Make,
    search: Any,
    place: int,
    draw: Callable[[Tensor], Any],
    message: str,
) -> None:
    def sampler(logits: Tensor, count: int, generator: Any, /) -> Any:
        return draw(torch.zeros(len(logits), count, dtype=torch.int64))

    samplers: list[Any] = [greedy()] * P
    samplers[place] = sampler
    width = {"n": 1} if search is best_of_n else {"beam": 1}
    with pytest.raises(ValueError, match=message):
        search(
            *(table(V), PREFIX, LogLikelihood()), samplers=samplers, horizon=2, **width
        )


class Changed:
    """A model whose logits of a step are changed."""

    def __init__(self, model: SequenceModel[Tensor], change: Callable[[Tensor], Any]):
        self.model, self.change = model, change

    def start(self, prefix: Tensor, /) -> tuple[Tensor, Tensor]:
        return self.model.start(prefix)

    def step(self, tokens: Tensor, state: Tensor, /) -> tuple[Any, Tensor]:
        logits, state = self.model.step(tokens, state)
        return self.change(logits), state

    def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
        return self.model.select(state, rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda logits: None, "real numbers, but got NoneType"),
        (lambda logits: logits.cfloat(), "real numbers, but got torch.complex64"),
        (lambda logits: logits[:, 1:], r"logits \[.*, 4\] of every step"),
        (lambda logits: logits[0], r"logits \[.*, 4\] of every step"),
    ],
)
def test_the_logits_of_a_step_are_looked_at(
    table: Make, change: Callable[[Tensor], Any], message: str
) -> None:
    model = Changed(table(V), change)
    with pytest.raises(ValueError, match=message):
        likelihood_search(model, PREFIX, transition=P, horizon=1, beam=2)
    with pytest.raises(ValueError, match=message):
        beam_search(
            model, PREFIX, LogLikelihood(), samplers=[greedy()] * P, horizon=1, beam=2
        )


@pytest.mark.parametrize("wrong", [None, 1.0, [1.0, 2.0]])
def test_a_critic_that_returns_no_tensor_is_refused(wrong: Any) -> None:
    table, tokens = MIDDLES[None], torch.zeros(2, 4).long()
    with pytest.raises(ValueError, match="q must return a tensor, but got"):
        QValue(lambda *_: wrong, table, table)(tokens, LOGITS)
    with pytest.raises(ValueError, match="v must return a tensor, but got"):
        Advantage(lambda seen, _: seen[:, 0], lambda _: wrong, table, table)(
            tokens, LOGITS
        )


@pytest.mark.parametrize(
    "odd", [np.array(["0.5"]), np.array([None]), [10**400], ["a"], np.array([1j])]
)
def test_a_goal_or_middles_that_are_no_real_numbers_are_refused(odd: Any) -> None:
    with pytest.raises(ValueError, match="goal must be"):
        Goal(odd, MIDDLES[None])
    with pytest.raises(ValueError, match="reward_middles must be"):
        Expectation(odd)
    with pytest.raises(ValueError, match="goal must be real numbers"):
        Goal(torch.tensor([1j]), MIDDLES[None])


def test_a_goal_of_floats_has_the_precision_of_the_middles() -> None:
    evaluator = Goal([0.1], torch.tensor([[0.1, 0.2]]).double())
    exact = Goal(torch.tensor([0.1]).double(), torch.tensor([[0.1]]).double())
    tokens, logits = torch.zeros(1, 1).long(), torch.zeros(1, 1, 2)
    assert evaluator(tokens, logits).reward != 1.0  # 0.1 in float32 is not 0.1
    assert exact(tokens, logits).reward == 1.0
