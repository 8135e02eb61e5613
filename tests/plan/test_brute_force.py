"""With NaN and infinity sprinkled in, a plan is the best of all sequences there are."""

import math
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st
from torch import Tensor

from tt_plan import (
    FunctionEvaluator,
    Outcome,
    Plan,
    Sampler,
    beam_search,
    best_of_n,
    greedy,
    likeliest,
    likelihood_search,
    nucleus,
    tail_cut,
    temperature,
    top_k,
)
from tt_plan._checked import NoPlanError

NAN, INF = float("nan"), float("inf")
ONE: list[Sampler] = [
    greedy(),
    likeliest(),
    tail_cut(1 - 1e-9),
    top_k(1),
]  # the likeliest token
EVERY: list[Sampler] = [*ONE, likeliest(), nucleus(1.0), temperature(0.5, top_k(2))]
Sequences = dict[tuple[int, ...], float]


def sprinkled(
    shape: tuple[int, ...], seed: int, share: float, bad: list[float]
) -> Tensor:
    """Draw normal numbers, a share of them replaced by one of the bad ones."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(shape, generator=generator)
    chosen = torch.randint(len(bad), shape, generator=generator)
    hit = torch.rand(shape, generator=generator) < share
    return torch.where(hit, torch.tensor(bad)[chosen], table)


class Sprinkled:
    """Look logits up under a rolling hash of all tokens so far."""

    def __init__(self, width: int, seed: int, share: float) -> None:
        bad = [NAN, INF, -INF, -INF, -INF, -INF]
        self.table = sprinkled((1_021, width), seed, share, bad)

    def start(self, prefix: Tensor, /) -> tuple[Tensor, Tensor]:
        logits, state = self.table[:0], torch.zeros_like(prefix[:, 0])
        for column in prefix.unbind(1):
            logits, state = self.step(column, state)
        return logits, state

    def step(self, tokens: Tensor, state: Tensor, /) -> tuple[Tensor, Tensor]:
        assert ((tokens >= 0) & (tokens < self.table.shape[1])).all()
        state = (state * 31 + tokens + 1) % len(self.table)
        return self.table[state], state

    def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
        return state[rows]


class Problem(NamedTuple):
    """Hold a small problem, and solve it one sequence at a time."""

    model: Sprinkled
    worth: Tensor  # [2, 997], rewards and values under a hash of a transition
    prefix: Tensor  # [E, T]
    transition: int
    horizon: int
    stop: int | None
    discount: float
    whole: bool = False  # whether the stop token's logit is read at every place

    @property
    def width(self) -> int:
        return self.model.table.shape[1]

    @property
    def known(self) -> int:
        return self.prefix.shape[1] % self.transition

    def evaluate(self, tokens: Tensor, _: Tensor) -> Outcome:
        key = torch.zeros_like(tokens[:, 0])
        for column in tokens.unbind(1):
            key = (key * 7 + column + 1) % self.worth.shape[1]
        return Outcome(*self.worth[:, key])

    def likelihoods(self, history: list[int]) -> dict[int, float]:
        """Return the log-likelihood of each token that may come next."""
        logits = self.model.start(torch.tensor([history]))[0][0].double()
        if self.stop is not None and self.stop in history[self.prefix.shape[1] :]:
            return {self.stop: 0.0}  # it has ended
        within = self.stop is not None and len(history) % self.transition > 0
        read = logits[: self.stop] if within and not self.whole else logits
        if read.isnan().any() or read.isposinf().any():
            return {}
        found = read.log_softmax(0).tolist()
        if within:
            found = found[: self.stop]
        return {token: value for token, value in enumerate(found) if value > -INF}

    def sequences(
        self, history: list[int], counts: list[int], total: float = 0.0
    ) -> Iterator[tuple[list[int], float]]:
        """Yield what follows, counts[i] tokens at place i, and its log-likelihood."""
        if not counts:
            yield history[self.prefix.shape[1] - self.known :], total
            return
        options = self.likelihoods(history)
        for token in sorted(options, key=lambda token: -options[token])[: counts[0]]:
            both = total + options[token]
            yield from self.sequences([*history, token], counts[1:], both)

    def score(self, sequence: list[int]) -> float:
        total, value = 0.0, 0.0
        for t in range(self.horizon):
            part = sequence[t * self.transition : (t + 1) * self.transition]
            if part[0] == self.stop:
                return total
            reward, worth = self.evaluate(torch.tensor([part]), torch.zeros(0))
            total += self.discount**t * reward.item()
            value = worth.item()
        return total + self.discount**self.horizon * value

    def branching(self, later: int) -> list[int]:
        """Return how many tokens are tried at each place, `later` at later branches."""
        places = range(self.known, self.horizon * self.transition)
        counts = [later if i % self.transition == self.known else 1 for i in places]
        return [self.width, *counts[1:]]


@st.composite
def problems(draw: st.DrawFn, most: int = 3) -> Problem:
    vocabulary, transition = draw(st.integers(1, most)), draw(st.integers(1, most))
    stop = draw(st.sampled_from([None, vocabulary]))
    seed, share = draw(st.integers(0, 9_999)), draw(st.sampled_from([0.1, 0.3, 0.6]))
    shape = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    generator = torch.Generator().manual_seed(seed)
    return Problem(
        Sprinkled(vocabulary + (stop is not None), seed, share),
        sprinkled((2, 997), seed, share / 2, [NAN, INF, -INF]),
        torch.randint(vocabulary, shape, generator=generator),
        transition,
        draw(st.integers(1, 2)),
        stop,
        draw(st.sampled_from([1.0, 0.5])),
    )


def assert_best(plan: Callable[[], Plan], every: list[Sequences]) -> None:
    """Compare a plan, or its error, with the scores of all sequences."""
    finite = [{k: v for k, v in all_.items() if math.isfinite(v)} for all_ in every]
    missing = [row for row, sequences in enumerate(finite) if not sequences]
    event(f"no plan for {len(missing)} of {len(finite)}")
    if missing:
        message = f"environment {missing[0]} has no continuation with a finite score"
        with pytest.raises(ValueError, match=re.escape(message)):
            plan()
        return
    found = plan()
    assert_possible(found, finite)
    for score, sequences in zip(found.score, finite, strict=True):
        assert score.item() == pytest.approx(max(sequences.values()), abs=1e-4)


def assert_possible(plan: Plan, finite: list[Sequences]) -> None:
    """Check that each sequence of finite score is one there is, the best among them."""
    assert plan.score.isfinite().all()
    assert torch.equal(plan.scores, plan.scores.sort(descending=True).values)
    assert torch.equal(plan.score, plan.scores[:, 0])
    assert torch.equal(plan.tokens, plan.beams[:, 0])
    assert (plan.beams >= 0).all()
    for scores, beams, sequences in zip(plan.scores, plan.beams, finite, strict=True):
        for score, beam in zip(scores, beams, strict=True):
            if score > -INF:
                expected = sequences[tuple(beam.flatten().tolist())]
                assert score.item() == pytest.approx(expected, abs=1e-4)


def scored(problem: Problem, counts: list[int]) -> list[Sequences]:
    return [
        {tuple(s): problem.score(s) for s, _ in problem.sequences(history, counts)}
        for history in problem.prefix.tolist()
    ]


@settings(max_examples=150, deadline=None)
@given(problems(), st.sampled_from(ONE))
def test_a_wide_beam_search_finds_the_best_of_what_is_possible(
    problem: Problem, one: Sampler
) -> None:
    places = range(problem.transition)
    assert_best(
        lambda: beam_search(
            problem.model,
            problem.prefix,
            FunctionEvaluator(problem.evaluate, ()),
            samplers=[likeliest() if p == problem.known else one for p in places],
            horizon=problem.horizon,
            beam=problem.width**problem.horizon,
            candidates=problem.width,
            discount=problem.discount,
            stop=problem.stop,
        ),
        scored(problem, problem.branching(problem.width)),
    )


@settings(max_examples=100, deadline=None)
@given(problems(), st.integers(0, 3))
def test_the_best_of_n_is_the_best_of_what_is_possible(
    problem: Problem, more: int
) -> None:
    places = range(problem.transition)
    assert_best(
        lambda: best_of_n(
            problem.model,
            problem.prefix,
            FunctionEvaluator(problem.evaluate, ()),
            samplers=[likeliest() if p == problem.known else greedy() for p in places],
            horizon=problem.horizon,
            n=problem.width + more,
            discount=problem.discount,
            stop=problem.stop,
        ),
        scored(problem, problem.branching(1)),
    )


@settings(max_examples=100, deadline=None)
@given(problems(most=2).map(lambda problem: problem._replace(whole=True)))
def test_a_wide_likelihood_search_finds_the_likeliest_of_what_is_possible(
    problem: Problem,
) -> None:
    places = problem.horizon * problem.transition - problem.known
    counts = [problem.width] * places
    assert_best(
        lambda: likelihood_search(
            problem.model,
            problem.prefix,
            transition=problem.transition,
            horizon=problem.horizon,
            beam=problem.width**places,
            stop=problem.stop,
        ),
        [
            {tuple(s): total for s, total in problem.sequences(history, counts)}
            for history in problem.prefix.tolist()
        ],
    )


@settings(max_examples=150, deadline=None)
@given(problems(), st.lists(st.sampled_from(EVERY), min_size=3, max_size=3), st.data())
def test_whatever_a_narrow_search_draws_is_possible(
    problem: Problem, samplers: list[Sampler], data: st.DataObject
) -> None:
    places = problem.horizon * problem.transition - problem.known
    try:
        plan = beam_search(
            problem.model,
            problem.prefix,
            FunctionEvaluator(problem.evaluate, ()),
            samplers=samplers[: problem.transition],
            horizon=problem.horizon,
            beam=data.draw(st.integers(1, 5)),
            candidates=data.draw(st.integers(1, 4)),
            discount=problem.discount,
            stop=problem.stop,
            generator=torch.Generator().manual_seed(0),
        )
    except NoPlanError:
        return
    assert_possible(plan, scored(problem, [problem.width] * places))
