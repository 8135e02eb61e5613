"""A sequence model as dynamics, against beam search and the model itself."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from tt_plan import (
    DynamicsModel,
    Evaluator,
    Expectation,
    LogLikelihood,
    SequenceDynamics,
    SequenceModel,
    Sequences,
    Tokenizer,
    beam_search,
    cem,
    greedy,
    likeliest,
    tail_cut,
)
from tt_plan.testing import check_dynamics_model

V, DO, DA = 4, 2, 1  # tokens, and observation and action tokens of P = 5
MAKE = Callable[..., SequenceModel[Tensor]]
PREFIX = torch.tensor([[1, 2, 3, 0, 1, 2, 0], [3, 3, 0, 1, 2, 1, 1]])
MIDDLES = torch.tensor([-1.0, 0.5, 2.0, 4.0])


class Whole:
    """A token is its number, rounded."""

    def encode(self, data: npt.NDArray[Any], columns: Any = None) -> npt.NDArray[Any]:
        assert columns == slice(DO, DO + DA)
        return data.round().clip(0, V - 1).astype(np.uint8)


def dynamics(
    model: SequenceModel[Tensor], evaluator: Evaluator, stop: int | None = V
) -> SequenceDynamics[Tensor]:
    tokenizer: Tokenizer = Whole()
    return SequenceDynamics(
        model,
        evaluator,
        tokenizer,
        samplers=[greedy()] * 5,
        observation=DO,
        action=DA,
        stop=stop,
    )


def replay(
    made: SequenceDynamics[Tensor], prefix: Tensor, actions: Tensor, discount: float
) -> tuple[Sequences[Tensor], Tensor]:
    state, total = made.start(prefix), torch.zeros(len(prefix))
    for t, chosen in enumerate(actions.unbind(1)):
        state, reward = made.step(state, chosen.float(), None)
        total += discount**t * reward
    return state, total + discount ** actions.shape[1] * made.value(state)


@pytest.mark.parametrize("last", [-9.0, 2.0])  # logit of the stop token
@pytest.mark.parametrize("evaluator", [Expectation(MIDDLES, MIDDLES), LogLikelihood()])
def test_actions_of_a_beams_plan_are_worth_its_score(
    table: MAKE, evaluator: Evaluator, last: float
) -> None:
    model = table(V + 1, seed=3, last=last)
    samplers = [greedy()] * DO + [likeliest()] * DA + [greedy()] * 2
    plan = beam_search(
        model,
        PREFIX,
        evaluator,
        samplers=samplers,
        horizon=3,
        beam=V,
        candidates=V,
        discount=0.9,
        stop=V,
    )
    ended = (plan.tokens[:, :, 0] == V).any()
    assert bool(ended) == (last > 0)
    made = dynamics(model, evaluator)
    state, total = replay(made, PREFIX, plan.tokens[:, :, DO : DO + DA], 0.9)
    torch.testing.assert_close(state.tokens, plan.tokens)
    torch.testing.assert_close(total, plan.score)


def test_what_is_not_given_is_the_models_likeliest(table: MAKE) -> None:
    model = table(V)
    made = dynamics(model, Expectation(MIDDLES), stop=None)
    actions = torch.tensor([[[3], [0]], [[1], [2]]])
    state, _ = replay(made, PREFIX, actions, 1.0)
    whole = PREFIX
    for t in range(2):
        for position in range(DO if t == 0 else 0, 5):
            chosen = model.start(whole)[0].argmax(1)
            if position == DO:
                chosen = actions[:, t, 0]
            whole = torch.cat([whole, chosen[:, None]], 1)
    assert state.tokens.flatten(1).tolist() == whole[:, 5:].tolist()


def test_it_keeps_the_laws_of_dynamics(table: MAKE) -> None:
    made: DynamicsModel[Sequences[Tensor]] = dynamics(
        table(V + 1), Expectation(MIDDLES, MIDDLES)
    )
    state = dynamics(table(V + 1), Expectation(MIDDLES)).start(PREFIX)
    actions = torch.randint(V, (2, 4, DA), generator=torch.Generator().manual_seed(0))
    check_dynamics_model(made, state, actions.float())


def test_a_search_over_actions_finds_what_a_beam_of_all_finds(table: MAKE) -> None:
    model, evaluator = table(V, seed=1), Expectation(MIDDLES, MIDDLES)
    samplers = [greedy()] * DO + [likeliest()] * DA + [greedy()] * 2
    plan = beam_search(
        model, PREFIX, evaluator, samplers=samplers, horizon=2, beam=16, candidates=4
    )
    made = dynamics(model, evaluator, stop=None)
    found = cem(
        made,
        made.start(PREFIX),
        (torch.full((1,), -0.5), torch.full((1,), 3.5)),
        horizon=2,
        environments=2,
        iterations=1,
        generator=torch.Generator().manual_seed(0),
        samples=256,
    )
    torch.testing.assert_close(found.score, plan.score)
    assert (found.best.round().long() == plan.tokens[:, :, DO : DO + DA]).all()


def test_a_row_without_a_token_scores_minus_infinity(table: MAKE) -> None:
    class Dead:
        """Nothing is possible after the token 3."""

        def __init__(self) -> None:
            self.inner = table(V)

        def start(self, prefix: Tensor, /) -> tuple[Tensor, Tensor]:
            return self.inner.start(prefix)

        def step(self, tokens: Tensor, state: Tensor, /) -> tuple[Tensor, Tensor]:
            logits, state = self.inner.step(tokens, state)
            return logits.masked_fill((tokens == 3)[:, None], torch.nan), state

        def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
            return self.inner.select(state, rows)

    made = SequenceDynamics(
        Dead(),
        Expectation(torch.ones(V)),
        Whole(),
        samplers=[tail_cut(0.0)] * 5,
        observation=DO,
        action=DA,
    )
    generator = torch.Generator().manual_seed(0)
    state, reward = made.step(made.start(PREFIX), torch.tensor([[3.0], [0]]), generator)
    assert reward[0] == -torch.inf
    assert made.value(state)[0] == 0.0


def test_what_does_not_fit_is_refused(table: MAKE) -> None:
    made = dynamics(table(V + 1), Expectation(MIDDLES))
    with pytest.raises(ValueError, match="must end with an observation, 2 tokens"):
        made.start(PREFIX[:, :-1])
    with pytest.raises(ValueError, match=r"actions must be \[2, 1\]"):
        made.step(made.start(PREFIX), torch.zeros(2, 2), None)
    with pytest.raises(ValueError, match="as many samplers"):
        SequenceDynamics(
            table(V),
            Expectation(MIDDLES),
            Whole(),
            samplers=[greedy()],
            observation=1,
            action=1,
        )
