from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tt_plan import (
    Expectation,
    FunctionEvaluator,
    LogLikelihood,
    Outcome,
    SequenceModel,
    beam_search,
    greedy,
    likeliest,
    nucleus,
    tail_cut,
)

P, V = 5, 4  # two observation tokens, an action, a reward, a value
MIDDLES = torch.tensor([[-1.0, 0.0, 0.5, 2.0], [-3.0, 0.0, 1.0, 4.0]])
GREEDY = [greedy()] * P
Make = Callable[..., SequenceModel[Tensor]]


def mean(logits: Tensor, middles: Tensor) -> float:
    weights = logits[:V].double().exp()
    return float((weights * middles).sum() / weights.sum())


class Slow:
    """One sequence at a time, the whole history read again for every token."""

    def __init__(self, model: SequenceModel[Tensor], stop: int | None) -> None:
        self.model, self.stop = model, stop

    def options(self, tokens: list[int], count: int) -> tuple[list[int], Tensor]:
        logits = self.model.start(torch.tensor([tokens]))[0][0]
        allowed = len(logits) if len(tokens) % P == 0 or self.stop is None else V
        return logits[:allowed].argsort(descending=True)[:count].tolist(), logits

    def finish(
        self, tokens: list[int], until: int, drawn: list[Tensor]
    ) -> tuple[list[int], list[Tensor]]:
        drawn = list(drawn)
        while len(tokens) % P != until:
            best, logits = self.options(tokens, 1)
            if self.ended(tokens):
                best = [V]
            tokens, drawn = [*tokens, *best], [*drawn, logits]
        return tokens, drawn

    def ended(self, tokens: list[int]) -> bool:
        begun = len(tokens) - len(tokens) % P
        now = begun < len(tokens) and tokens[begun] == V
        return self.stop is not None and (now or (begun > 0 and tokens[begun - P] == V))

    def plan(
        self, prefix: list[int], horizon: int, beam: int, candidates: int, g: float
    ) -> list[tuple[float, list[int]]]:
        parting = len(prefix) % P
        beams = [(0.0, prefix, 0.0)]
        for t in range(horizon):
            grown = []
            for returns, past, _ in beams:
                tokens, drawn = self.finish(past, parting, [])
                options, logits = self.options(
                    tokens, candidates * (beam if t == 0 else 1)
                )
                for option in [V] if self.ended(tokens) else options:
                    full, seen = self.finish([*tokens, option], 0, [*drawn, logits])
                    earned, score = returns, returns
                    if self.stop is None or full[-P] != V:
                        earned = returns + g**t * mean(seen[-2], MIDDLES[0])
                        score = earned + g ** (t + 1) * mean(seen[-1], MIDDLES[1])
                    grown.append((earned, full, score))
            beams = sorted(grown, key=lambda item: -item[2])[:beam]
        begin = len(prefix) - parting
        return [(score, full[begin:]) for _, full, score in beams]


def samplers(parting: int) -> list[Any]:
    return [likeliest() if e == parting else greedy() for e in range(P)]


@pytest.mark.parametrize("stop", [None, V])
@pytest.mark.parametrize("length", [7, 12, 5, 8])  # parting at 2, 2, 0, 3
def test_plan_equals_a_slow_search_one_sequence_at_a_time(
    table: Make, stop: int | None, length: int
) -> None:
    model = table(V if stop is None else V + 1, seed=length, last=1.0 if stop else 0.0)
    prefix = torch.randint(V, (3, length), generator=torch.Generator().manual_seed(1))
    plan = beam_search(
        model,
        prefix,
        Expectation(*MIDDLES),
        samplers=samplers(length % P),
        horizon=4,
        beam=3,
        candidates=2,
        discount=0.9,
        stop=stop,
    )
    assert plan.beams.shape == (3, 3, 4, P)
    ends = 0
    for row, context in enumerate(prefix.tolist()):
        expected = Slow(model, stop).plan(context, 4, 3, 2, 0.9)
        ends += sum(V in tokens for _, tokens in expected)
        for place, (score, tokens) in enumerate(expected):
            assert plan.beams[row, place].flatten().tolist() == tokens
            assert plan.scores[row, place].item() == pytest.approx(score, abs=1e-5)
    assert torch.equal(plan.tokens, plan.beams[:, 0])
    assert torch.equal(plan.score, plan.scores[:, 0])
    assert (ends > 0) == (stop is not None)


@pytest.mark.parametrize("seed", range(3))
def test_beam_as_wide_as_the_tree_finds_the_best_of_all_action_sequences(
    table: Make, seed: int
) -> None:
    model, horizon, g = table(V + 1, seed=seed), 3, 0.8
    prefix = torch.tensor([[3, 1], [0, 2]])
    plan = beam_search(
        model,
        prefix,
        Expectation(*MIDDLES),
        samplers=samplers(2),
        horizon=horizon,
        beam=V**horizon,
        candidates=V,
        discount=g,
        stop=V,
    )
    slow = Slow(model, V)
    for row, context in enumerate(prefix.tolist()):
        scores = []
        for actions in product(range(V), repeat=horizon):
            tokens, total = context, 0.0
            for t, action in enumerate(actions):
                tokens, _ = slow.finish(tokens, 2, [])
                if slow.ended(tokens):
                    break
                tokens, drawn = slow.finish([*tokens, action], 0, [])
                total += g**t * mean(drawn[0], MIDDLES[0])
            if not slow.ended(tokens):
                total += g**horizon * mean(drawn[1], MIDDLES[1])
            scores.append(total)
        assert plan.score[row].item() == pytest.approx(max(scores), abs=1e-5)


class Constant:
    """Give every row the same logits at a position, whatever came before."""

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits  # [P, W]

    def start(self, prefix: Tensor, /) -> tuple[Tensor, int]:
        return self._read(prefix.shape[1], len(prefix))

    def step(self, tokens: Tensor, state: int, /) -> tuple[Tensor, int]:
        return self._read(state + 1, len(tokens))

    def select(self, state: int, rows: Tensor, /) -> int:
        return state

    def _read(self, length: int, rows: int) -> tuple[Tensor, int]:
        return self.logits[length % P].expand(rows, -1), length


def certain(*tokens: int) -> Tensor:
    return one_hot(torch.tensor(tokens), V + 1).log()


def test_discount_weighs_rewards_and_value() -> None:
    model = Constant(certain(0, 0, 1, 3, 3))  # reward 2, value 4
    plan = beam_search(
        model,
        torch.tensor([[0, 0]]),
        Expectation(*MIDDLES),
        samplers=GREEDY,
        horizon=3,
        beam=1,
        candidates=1,
        discount=0.5,
        stop=V,
    )
    assert plan.score.tolist() == [2 * (1 + 0.5 + 0.25) + 0.125 * 4]
    assert plan.tokens.tolist() == [[[0, 0, 1, 3, 3]] * 3]


def test_stop_token_is_drawn_only_where_an_observation_begins(table: Make) -> None:
    plan = beam_search(
        table(V + 1, last=100.0),
        torch.tensor([[1, 2]]),
        Expectation(*MIDDLES),
        samplers=[*GREEDY[:2], tail_cut(0.6), *GREEDY[3:]],
        horizon=3,
        beam=4,
        stop=V,
    )
    assert (plan.beams[:, :, 0] < V).all()
    assert (plan.beams[:, :, 1:] == V).all()


def test_ended_beam_keeps_its_return_and_no_value() -> None:
    model = Constant(certain(V, 0, 1, 3, 3))
    plan = beam_search(
        model,
        torch.tensor([[0, 0]]),
        Expectation(*MIDDLES),
        samplers=GREEDY,
        horizon=4,
        beam=1,
        candidates=1,
        stop=V,
    )
    assert plan.score.tolist() == [2.0]


def test_ended_beam_takes_one_place_in_the_cuts(table: Make) -> None:
    logits = torch.zeros(P, V + 1)
    logits[0, V] = 1.0  # half of the draws end at once, and nothing else ends
    plan = beam_search(
        Constant(logits),
        torch.zeros(1, P, dtype=torch.int64),
        Expectation(torch.full((V,), -1.0)),
        samplers=[nucleus(1.0)] * P,
        horizon=4,
        beam=8,
        stop=V,
        generator=torch.Generator().manual_seed(0),
    )
    at_once = (plan.beams[0, :, 0, 0] == V) & plan.scores[0].isfinite()
    assert at_once.sum() == 1
    assert plan.score.tolist() == [0.0]


def test_environment_is_planned_as_it_is_alone(table: Make) -> None:
    model = table(V + 1, seed=3)
    prefix = torch.randint(V, (4, 12), generator=torch.Generator().manual_seed(2))
    prefix[1, :5] = -1
    prefix[2, :10] = -1

    def plan(rows: Tensor) -> Any:
        return beam_search(
            model,
            rows,
            Expectation(*MIDDLES),
            samplers=samplers(2),
            horizon=5,
            beam=6,
            stop=V,
        )

    together = plan(prefix)
    for row, padded in enumerate([0, 5, 10, 0]):
        alone = plan(prefix[row : row + 1, padded:])
        for whole, single in zip(together, alone, strict=True):
            assert torch.equal(whole[row], single[0])


def test_generator_makes_a_sampled_plan_reproducible(table: Make) -> None:
    def scores(seed: int) -> Tensor:
        return beam_search(
            table(V + 1),
            torch.tensor([[1, 2], [3, 0]]),
            Expectation(*MIDDLES),
            samplers=[nucleus(1.0)] * P,
            horizon=3,
            beam=8,
            stop=V,
            generator=torch.Generator().manual_seed(seed),
        ).scores

    assert torch.equal(scores(5), scores(5))
    assert not torch.equal(scores(5), scores(6))


@pytest.mark.parametrize("length", [7, 5])
def test_evaluator_sees_the_logits_that_each_token_was_drawn_from(
    table: Make, length: int
) -> None:
    model = table(V, seed=4)
    prefix = torch.randint(V, (2, length), generator=torch.Generator().manual_seed(3))
    plan = beam_search(
        model,
        prefix,
        LogLikelihood(),
        samplers=[nucleus(0.9)] * P,
        horizon=3,
        beam=4,
        discount=1.0,
        generator=torch.Generator().manual_seed(0),
    )
    known = length % P
    context = prefix[:, : length - known].repeat_interleave(4, 0)
    full = torch.cat([context, plan.beams.flatten(0, 1).flatten(1)], 1)
    expected = torch.zeros(8)
    for place in range(length, full.shape[1]):
        likelihood = model.start(full[:, :place])[0].log_softmax(-1)
        expected += likelihood.gather(1, full[:, place, None])[:, 0]
    torch.testing.assert_close(plan.scores.flatten(), expected)
    given = prefix[:, None, length - known :].expand(-1, 4, -1)
    assert torch.equal(plan.beams[:, :, 0, :known], given)


def test_evaluator_reads_a_given_position_as_certain(table: Make) -> None:
    seen = []

    def spy(tokens: Tensor, logits: Tensor) -> Outcome:
        seen.append(logits.softmax(-1).clone())
        return Outcome(tokens[:, 0].float(), tokens[:, 0].float())

    beam_search(
        table(V),
        torch.tensor([[3, 1]]),
        FunctionEvaluator(spy),
        samplers=GREEDY,
        horizon=1,
        beam=1,
        candidates=1,
    )
    assert torch.equal(seen[0][0, :2], one_hot(torch.tensor([3, 1]), V).float())


@pytest.mark.parametrize("positions", [None, (-1, 1), ()])
def test_evaluator_sees_logits_at_its_positions_alone(
    table: Make, positions: tuple[int, ...] | None
) -> None:
    seen = []

    def spy(tokens: Tensor, logits: Tensor) -> Outcome:
        seen.append([int(e) for e in logits.any(2).any(0).nonzero()])
        return Outcome(tokens[:, 0].float(), tokens[:, 0].float())

    beam_search(
        table(V),
        torch.tensor([[3, 1]]),
        FunctionEvaluator(spy, positions),
        samplers=GREEDY,
        horizon=2,
        beam=2,
    )
    read = range(P) if positions is None else [e % P for e in positions]
    assert seen == [sorted(read)] * 2


def test_too_few_distinct_candidates_leave_places_empty() -> None:
    plan = beam_search(
        Constant(torch.zeros(P, V)),
        torch.tensor([[0, 0]]),
        Expectation(*MIDDLES),
        samplers=samplers(2),
        horizon=2,
        beam=V * V + 3,
        candidates=V + 1,
    )
    assert plan.scores.isfinite().sum() == V * V
    assert plan.scores[0, V * V :].tolist() == [-torch.inf] * 3


def test_reduced_precision_logits_are_planned_with(table: Make) -> None:
    model = Constant(certain(0, 0, 1, 3, 3).bfloat16())
    plan = beam_search(
        model,
        torch.tensor([[0, 0]]),
        Expectation(*MIDDLES),
        samplers=[greedy(), greedy(), tail_cut(0.6), greedy(), greedy()],
        horizon=2,
        beam=2,
        discount=0.5,
        stop=V,
    )
    assert plan.score.tolist() == [2 + 1 + 1]
    assert plan.score.dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prefix": torch.zeros(1, 3)}, "prefix must be int64"),
        ({"prefix": torch.zeros(3, dtype=torch.int64)}, "prefix must be int64"),
        ({"prefix": torch.zeros(1, 0, dtype=torch.int64)}, "prefix must be int64"),
        ({"samplers": []}, "samplers must hold one sampler for each position"),
        ({"samplers": [0.6]}, "samplers must hold one sampler for each position"),
        ({"samplers": GREEDY[:1]}, "the evaluator reads positions"),
        ({"horizon": 0}, "horizon must be at least 1, but got 0"),
        ({"beam": 0}, "beam must be at least 1, but got 0"),
        ({"candidates": -1}, "candidates must be at least 1, but got -1"),
        ({"discount": 1.1}, "discount must be in"),
        ({"stop": 3}, "stop token must be the last of 5 logits, 4, but got stop=3"),
        ({"evaluator": Expectation(torch.zeros(2))}, "got 2 bin middles for logits"),
        (
            {"evaluator": FunctionEvaluator(lambda tokens, _: Outcome(tokens, tokens))},
            "the evaluator must return a reward and a value",
        ),
        (
            {"evaluator": lambda tokens, _: Outcome(tokens[:, 0], tokens[:, 0])},
            "wrap a function in FunctionEvaluator",
        ),
    ],
)
def test_wrong_input_is_refused(
    table: Make, change: dict[str, Any], message: str
) -> None:
    settings: dict[str, Any] = {
        "prefix": torch.tensor([[1, 2]]),
        "evaluator": Expectation(*MIDDLES),
        "samplers": GREEDY,
        "horizon": 2,
        "stop": V,
    }
    settings |= change
    with pytest.raises(ValueError, match=message):
        beam_search(
            table(V + 1), settings.pop("prefix"), settings.pop("evaluator"), **settings
        )


def test_model_with_wrong_logits_is_refused() -> None:
    class Wrong(Constant):
        def start(self, prefix: Tensor, /) -> tuple[Tensor, int]:
            return self.logits[None], 0

    with pytest.raises(ValueError, match=r"logits \[1, W\] for 1 rows"):
        beam_search(
            Wrong(torch.zeros(P, V)),
            torch.tensor([[1, 2]]),
            Expectation(*MIDDLES),
            samplers=GREEDY,
            horizon=1,
        )
