"""NaN never wins, dead ends are dropped; where nothing is left, an error says why."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tt_plan import (
    Expectation,
    FunctionEvaluator,
    LogLikelihood,
    Outcome,
    Plan,
    Quantile,
    QValue,
    Sampler,
    beam_search,
    best_of_n,
    greedy,
    likeliest,
    likelihood_search,
    nucleus,
    tail_cut,
    top_k,
)

NAN, INF = float("nan"), float("inf")
P, V = 3, 4  # action, reward, value
MIDDLES = torch.tensor([0.0, 1.0, 2.0, 3.0])
PREFIX = torch.tensor([[0, 0, 0], [1, 1, 1]])
Rule = Callable[[list[int]], Sequence[float]]


class Ruled:
    """Look logits up by a rule of all tokens so far; -1 would not be found."""

    def __init__(self, rule: Rule, dtype: torch.dtype = torch.float32) -> None:
        self.rule, self.dtype = rule, dtype

    def start(self, prefix: Tensor, /) -> tuple[Tensor, Tensor]:
        return self._read(prefix), prefix

    def step(self, tokens: Tensor, state: Tensor, /) -> tuple[Tensor, Tensor]:
        assert (tokens >= 0).all(), "a token that is none was stepped"
        state = torch.cat([state, tokens[:, None]], 1)
        return self._read(state), state

    def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
        return state[rows]

    def _read(self, tokens: Tensor) -> Tensor:
        return torch.tensor(
            [list(self.rule(history)) for history in tokens.tolist()], dtype=self.dtype
        )


def fine(history: list[int]) -> list[float]:
    """Prefer small tokens a little; a reward or value token is as large as the action.

    Without anything wrong, the best plan takes action 3 throughout.
    """
    action = history[len(history) - len(history) % P] if len(history) % P else -1
    return [200.0 * (token == action) - 0.1 * token for token in range(V)]


def spoiled(
    bad: Sequence[float], where: Callable[[list[int]], bool], stop: bool = False
) -> Rule:
    """Give the logits `bad` where a history is so, else those of `fine`."""
    end = [-5.0] if stop else []
    return lambda history: bad if where(history) else [*fine(history), *end]


def search(
    rule: Rule,
    *,
    prefix: Tensor = PREFIX,
    evaluator: Any = None,
    dtype: torch.dtype = torch.float32,
    **settings: Any,
) -> Plan:
    """Search all action sequences of two transitions."""
    first = prefix.shape[1] % P
    options: dict[str, Any] = {
        "samplers": [likeliest() if p == first else greedy() for p in range(P)],
        "horizon": 2,
        "beam": V * V,
        "candidates": V,
        "discount": 0.5,
    }
    given = Expectation(MIDDLES, MIDDLES) if evaluator is None else evaluator
    return beam_search(Ruled(rule, dtype), prefix, given, **(options | settings))


def paying(reward: Sequence[float], value: Sequence[float] = (0.0,) * V) -> Any:
    """Evaluate by the action alone."""
    rewards, values = torch.tensor(reward), torch.tensor(value)
    return FunctionEvaluator(
        lambda tokens, _: Outcome(rewards[tokens[:, 0]], values[tokens[:, 0]]), ()
    )


def assert_clean(plan: Plan) -> None:
    """The best score is finite, none is NaN or plus infinity, and no token is -1."""
    assert plan.score.isfinite().all()
    assert (plan.scores < INF).all()
    assert torch.equal(plan.scores, plan.scores.sort(descending=True).values)
    assert (plan.beams >= 0).all()


BROKEN = [[NAN] * V, [0.0, NAN, 0.0, 0.0], [-INF] * V, [INF, 0.0, 0.0, 0.0]]


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("part", ["reward", "value"])
@pytest.mark.parametrize("beam", [1, 2, V * V])
def test_a_score_that_is_no_number_never_wins(bad: float, part: str, beam: int) -> None:
    earned = [1.0, 2.0, bad, 0.0]
    evaluator = paying(earned) if part == "reward" else paying([0.0] * V, earned)
    plan = search(fine, evaluator=evaluator, beam=beam)
    assert_clean(plan)
    assert plan.tokens[:, -1, 0].tolist() == [1, 1]
    assert plan.score.tolist() == [2.0 + 1.0 if part == "reward" else 0.25 * 2.0] * 2


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_the_best_of_n_has_a_score_that_is_a_number(bad: float) -> None:
    plan = best_of_n(
        Ruled(fine),
        PREFIX,
        paying([1.0, bad, 3.0, bad]),
        samplers=[nucleus(1.0), greedy(), greedy()],
        horizon=2,
        n=200,
        generator=torch.Generator().manual_seed(0),
    )
    assert_clean(plan)
    assert plan.score.tolist() == pytest.approx([3.0 + 0.99 * 3.0] * 2)
    assert not plan.scores.isfinite().all()


def test_rewards_that_are_no_number_stay_with_their_sequence() -> None:
    def once(tokens: Tensor, _: Tensor) -> Outcome:
        calls.append(len(tokens))
        reward = MIDDLES[tokens[:, 0]]
        bad = (tokens[:, 0] == 3) & (len(calls) == 1)
        return Outcome(reward.masked_fill(bad, NAN), torch.zeros(len(tokens)))

    calls: list[int] = []
    plan = search(fine, evaluator=FunctionEvaluator(once, ()))
    assert_clean(plan)
    assert plan.tokens[0, :, 0].tolist() == [2, 3]
    assert plan.scores[0].isfinite().sum() == 3 * V


def test_what_is_returned_for_ended_rows_is_ignored() -> None:
    def nothing_after_the_end(tokens: Tensor, _: Tensor) -> Outcome:
        reward = torch.where(tokens[:, 0] == V, NAN, -1.0)
        return Outcome(reward, reward)

    plan = search(
        lambda history: [*fine(history), 5.0],
        evaluator=FunctionEvaluator(nothing_after_the_end, ()),
        samplers=[likeliest(), greedy(), greedy()],
        candidates=V + 1,
        stop=V,
    )
    assert_clean(plan)
    assert plan.score.tolist() == [0.0, 0.0]


DEAD = {  # where there is no token to go on with, and the best of what is left
    "at a reward": (lambda h: len(h) == 4 and h[3] == 3, [2, 3]),
    "at a value": (lambda h: len(h) == 5 and h[3] == 3, [2, 3]),
    "at the next action": (lambda h: len(h) == 6 and h[3] == 3, [2, 3]),
    "at the next reward": (lambda h: len(h) == 7 and h[3::3] == [3, 3], [3, 2]),
    "at the last value": (lambda h: len(h) == 8 and h[6] == 3, [3, 2]),
    "for most": (lambda h: len(h) > 3 and h[3] != 1, [1, 3]),
}


@pytest.mark.parametrize("bad", BROKEN)
@pytest.mark.parametrize("dead", DEAD)
@pytest.mark.parametrize("drawn", [likeliest(), greedy(), tail_cut(0.9), top_k(1)])
def test_a_sequence_that_has_nowhere_to_go_is_dropped(
    bad: list[float], dead: str, drawn: Sampler
) -> None:
    where, best = DEAD[dead]
    generator = torch.Generator().manual_seed(0)
    samplers = [likeliest(), drawn, drawn]
    plan = search(spoiled(bad, where), samplers=samplers, generator=generator)
    assert_clean(plan)
    assert plan.tokens[:, :, 0].tolist() == [best, best]
    assert plan.score.tolist() == [best[0] + 0.75 * best[1]] * 2


@pytest.mark.parametrize("bad", BROKEN)
@pytest.mark.parametrize("length", [6, 7])
def test_a_beam_that_dies_before_it_branches_is_dropped(
    bad: list[float], length: int
) -> None:
    # it branches at the value, the last position
    plan = search(
        spoiled(bad, lambda h: len(h) == length and h[5] == 3),
        prefix=torch.tensor([[0, 0, 0, 1, 1]]),
        evaluator=FunctionEvaluator(
            lambda t, _: Outcome(MIDDLES[t[:, 2]], torch.zeros(len(t))), ()
        ),
    )
    assert_clean(plan)
    assert plan.tokens[0, :, 2].tolist() == [2, 3]
    assert plan.tokens[0, 0, :2].tolist() == [1, 1]


def test_the_beam_goes_on_with_what_is_left_however_little() -> None:
    # of 16 sequences one alone has a token at its end
    plan = search(spoiled([NAN] * V, lambda h: len(h) == 8 and h[3::3] != [1, 2]))
    assert_clean(plan)
    assert plan.tokens[:, :, 0].tolist() == [[1, 2]] * 2
    assert plan.scores.isfinite().sum(1).tolist() == [1, 1]


@pytest.mark.parametrize("first", [True, False])
def test_one_environment_without_a_plan_is_named(first: bool) -> None:
    lost = 0 if first else 1
    rule = spoiled([-INF] * V, lambda h: h[0] == lost and len(h) == 6)
    message = rf"environment {lost} has no .* finite score: no token is possible at "
    with pytest.raises(ValueError, match=message + "position 0 of transition 1"):
        search(rule)
    with pytest.raises(ValueError, match=r"environment 0 has no .*2 environments"):
        search(spoiled([-INF] * V, lambda h: True))


@pytest.mark.parametrize("bad", [[NAN] * V, [0.0, NAN, 0.0, 0.0], [0.0, INF, 0.0, 0.0]])
@pytest.mark.parametrize(
    ("length", "place"),
    [
        (3, "position 0 of transition 0"),
        (5, "position 2 of transition 0"),
        (7, "position 1 of transition 1"),
    ],
)
@pytest.mark.parametrize("kind", ["beam", "n", "likelihood"])
def test_a_model_of_nan_is_one_error(
    bad: list[float], length: int, place: str, kind: str
) -> None:
    model = Ruled(spoiled(bad, lambda h: len(h) >= length))
    sampled: dict[str, Any] = {"samplers": [nucleus(1.0)] * P, "horizon": 2}
    searches = {
        "beam": lambda: search(model.rule),
        "n": lambda: best_of_n(model, PREFIX, paying([0.0] * V), n=7, **sampled),
        "likelihood": lambda: likelihood_search(model, PREFIX, transition=P, horizon=2),
    }
    message = rf"environment 0 .* logits are NaN or infinite at {place}: .* diverged\?"
    with pytest.raises(ValueError, match=message):
        searches[kind]()


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_an_evaluator_without_numbers_is_named(bad: float) -> None:
    for evaluator in (paying([bad] * V), paying([0.0] * V, [bad] * V)):
        message = "environment 0 .* rewards or values of FunctionEvaluator are NaN or"
        with pytest.raises(ValueError, match=message):
            search(fine, evaluator=evaluator)
    critic = QValue(
        lambda observation, _: observation[:, 0] * NAN, *[MIDDLES[None]] * 2
    )
    with pytest.raises(ValueError, match="the rewards or values of QValue are NaN"):
        search(fine, evaluator=critic, samplers=[likeliest()] * 4)


def test_a_sampler_that_finds_nothing_is_an_error() -> None:
    def none(logits: Tensor, count: int, _: torch.Generator | None, /) -> Tensor:
        return torch.full((len(logits), count), -1)

    with pytest.raises(ValueError, match="or a sampler found no token"):
        search(fine, samplers=[greedy(), greedy(), none])


@pytest.mark.parametrize("length", [4, 5])
def test_padding_within_the_transition_in_progress_is_refused(length: int) -> None:
    prefix = torch.ones(2, length, dtype=torch.int64)
    prefix[1, 3] = -1
    message = "environment 1 .* the transition in progress holds -1"
    with pytest.raises(ValueError, match=message):
        search(lambda h: fine([max(0, token) for token in h]), prefix=prefix)
    with pytest.raises(ValueError, match=message):
        likelihood_search(
            Ruled(lambda h: fine([max(0, token) for token in h])),
            prefix,
            transition=P,
            horizon=2,
        )


@pytest.mark.parametrize("bad", BROKEN)
def test_the_likeliest_sequence_has_a_token_at_every_place(bad: list[float]) -> None:
    # without anything wrong it is 0 throughout
    rule = spoiled(bad, lambda h: len(h) > 3 and h[3] < 2 and len(h) % 2 == 0)
    plan = likelihood_search(Ruled(rule), PREFIX, transition=P, horizon=2, beam=9)
    assert_clean(plan)
    assert plan.tokens[:, :, 0].tolist() == [[2, 0]] * 2
    clean = likelihood_search(Ruled(fine), PREFIX, transition=P, horizon=2, beam=4**6)
    whole = clean.beams[0, :, 0, 0] == 2
    assert plan.score[0] == clean.scores[0, whole].max()


def test_a_likelihood_search_without_a_sequence_is_one_error() -> None:
    rule = spoiled([-INF] * V, lambda h: h[0] == 1 and len(h) >= 7)
    message = "environment 1 .* no token is possible at position 1 of transition 1"
    with pytest.raises(ValueError, match=message):
        likelihood_search(Ruled(rule), PREFIX, transition=P, horizon=2, beam=3)


ONLY_STOP = [-INF] * V + [0.0]


@pytest.mark.parametrize("kind", ["beam", "likelihood"])
def test_where_only_the_stop_token_is_possible_a_sequence_ends(kind: str) -> None:
    rule = spoiled(ONLY_STOP, lambda h: len(h) == 6, stop=True)
    if kind == "beam":
        plan = search(rule, stop=V)
        assert plan.score.tolist() == [3.0, 3.0]
    else:
        plan = likelihood_search(Ruled(rule), PREFIX, transition=P, horizon=2, stop=V)
    assert_clean(plan)
    assert (plan.tokens[:, 1] == V).all()


def test_the_stop_token_alone_leads_nowhere_within_a_transition() -> None:
    # nor can a sequence end before it
    rule = spoiled(ONLY_STOP, lambda h: len(h) == 4, stop=True)
    endless = Ruled(lambda h: [*rule(h)[:V], -INF if len(h) == 3 else rule(h)[V]])
    message = "no token is possible at position 1 of transition 0"
    with pytest.raises(ValueError, match=message):
        search(endless.rule, stop=V)
    with pytest.raises(ValueError, match=message):
        likelihood_search(endless, PREFIX, transition=P, horizon=2, stop=V)


@pytest.mark.parametrize("stop", [None, 0])
def test_a_model_without_tokens_is_refused(stop: int | None) -> None:
    model = Ruled(lambda _: [] if stop is None else [0.0])
    with pytest.raises(ValueError, match="the model must have at least one token"):
        search(model.rule, stop=stop)
    with pytest.raises(ValueError, match="the model must have at least one token"):
        likelihood_search(model, PREFIX, transition=P, horizon=1, stop=stop)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("dead", DEAD)
def test_logits_of_any_precision_are_planned_with(
    dtype: torch.dtype, dead: str
) -> None:
    where, best = DEAD[dead]
    plan = search(spoiled([NAN] * V, where), dtype=dtype)
    assert_clean(plan)
    assert plan.tokens[:, :, 0].tolist() == [best, best]
    with pytest.raises(ValueError, match="NaN"):
        search(spoiled([NAN] * V, lambda h: len(h) > 4), dtype=dtype)


@pytest.mark.parametrize(
    "dtype", [torch.int64, torch.uint8, torch.bool, torch.float16, torch.float64]
)
def test_rewards_of_any_real_type_are_numbers(dtype: torch.dtype) -> None:
    evaluator = FunctionEvaluator(
        lambda t, _: Outcome((t[:, 0] == 1).to(dtype), (t[:, 0] == 2).to(dtype)), ()
    )
    plan = search(fine, evaluator=evaluator)
    assert plan.score.tolist() == [1.5, 1.5]
    assert plan.tokens[:, :, 0].tolist() == [[1, 1]] * 2


def test_a_reward_too_large_for_its_type_wins_nothing() -> None:
    earned = torch.tensor([1e5, 1.0, 2.0, -1e5]).half()
    plan = search(fine, evaluator=paying(earned.tolist()))
    assert_clean(plan)
    assert plan.tokens[:, :, 0].tolist() == [[2, 2]] * 2


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (lambda t: Outcome(t[:, 0].cfloat(), t[:, 0].cfloat()), "real numbers on the"),
        (lambda t: Outcome(t[:, 0].numpy(), t[:, 0].numpy()), "two tensors, but got"),
        (lambda t: (1.0, 2.0), "two tensors, but got tuple of .*float"),
        (lambda t: t[:, 0].float(), "two tensors, but got Tensor"),
        (lambda t: None, "two tensors, but got NoneType"),
        (lambda t: (t[:, 0],) * 3, "two tensors, but got tuple"),
        (lambda t: Outcome(t[:, 0], t[:, 0].to("meta")), "device of the tokens, cpu"),
    ],
)
def test_an_outcome_of_something_else_is_refused(
    outcome: Callable[[Tensor], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        search(fine, evaluator=FunctionEvaluator(lambda t, _: outcome(t), ()))


def test_a_discount_of_nan_is_refused() -> None:
    with pytest.raises(ValueError, match=r"discount must be in .* got nan"):
        search(fine, discount=NAN)


@pytest.mark.parametrize("bad", BROKEN)
def test_evaluators_make_no_number_of_what_is_no_distribution(bad: list[float]) -> None:
    logits = torch.tensor([[[0.0] * V, bad], [[0.0] * V, [0.0] * V]])
    tokens = torch.zeros(2, 2, dtype=torch.int64)
    for evaluator in (
        Expectation(MIDDLES, positions=(-1,)),
        Quantile(0.3, MIDDLES, positions=(-1,)),
        LogLikelihood(),
    ):
        reward = evaluator(tokens, logits).reward
        assert reward.isfinite().tolist() == [False, True]


def test_a_quantile_of_numbers_is_what_numpy_says() -> None:
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    logits = torch.tensor(weights).log()[None, None].float()
    reward = Quantile(0.5, MIDDLES, positions=(-1,))(torch.zeros(1, 1).long(), logits)
    expected = np.searchsorted(weights.cumsum(), 0.5)
    assert reward.reward.tolist() == [MIDDLES[expected].item()]
