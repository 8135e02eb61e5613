"""A search over actions as the bench's planner, and how it goes on from a plan."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tt_bench.agents.transformer import TransformerAgent
from tt_bench.interface import ContinuingPlanner, Planned
from tt_bench.methods.action_planner import ActionPlanner
from tt_bench.methods.settings import PlannerSettings
from tt_plan import Expectation, greedy
from tt_tokenize import Layout, UniformBins

LAYOUT, V = Layout(1, 1), 5
EDGES = [[-1.5, -0.5, 0.5, 1.5]] * LAYOUT.width
BINS = UniformBins(EDGES, [[-2.0, -1.0, 0.0, 1.0, 2.0]] * LAYOUT.width)
MIDDLES = torch.tensor(BINS.middles[0])


class Steps:
    """The observation moves by the action, the reward is the observation; no value.

    The state is the last observation and action of each row, and the position.
    """

    def start(self, prefix: Tensor, /) -> tuple[Tensor, Any]:
        state = torch.zeros(len(prefix), 2, dtype=torch.int64), 0
        for column in prefix.unbind(1):
            logits, state = self.step(column, state)
        return logits, state

    def step(self, tokens: Tensor, state: Any, /) -> tuple[Tensor, Any]:
        known, position = state
        known = known.clone()
        if position < 2:
            known[:, position] = tokens
        seen, done = known.unbind(1)
        following = (seen, seen, seen, (seen + done - 2).clamp(0, V - 1))[position]
        logits = torch.nn.functional.one_hot(following, V + 1).log()
        return logits, (known, (position + 1) % 4)

    def select(self, state: Any, rows: Tensor, /) -> Any:
        return state[0][rows], state[1]


def planner(**settings: Any) -> ActionPlanner[Any]:
    return ActionPlanner(
        Steps(),
        Expectation(MIDDLES, None),
        BINS,
        LAYOUT,
        [greedy()] * LAYOUT.width,
        PlannerSettings(horizon=4, **settings),
        1.0,
        "cpu",
    )


def test_it_moves_to_the_reward_and_foresees_the_way() -> None:
    generator = torch.Generator().manual_seed(0)
    for search in ("cem", "mppi"):
        plan = planner(search=search, samples=128, elites=16)(
            torch.tensor([[0], [3]]), generator
        )
        assert plan.tokens.shape == (2, 4, 4)
        assert plan.tokens[:, :, 0].tolist() == [[0, 2, 4, 4], [3, 4, 4, 4]]
        assert plan.tokens[0, :2, 1].tolist() == [4, 4]


def test_it_goes_on_from_what_is_left_with_the_last_action_repeated() -> None:
    """One sequence without noise, the start itself, is all that is drawn."""
    made = planner(search="cem", samples=1, elites=1, iterations=1)
    left = torch.full((2, 2, 4), V)  # stop tokens, where nothing else is said
    left[:, :, 1] = torch.tensor([[1, 3], [0, 4]])
    plan = made.go_on(torch.tensor([[0], [2]]), torch.Generator(), left)
    assert plan.tokens[:, :, 1].tolist() == [[1, 3, 3, 3], [0, 4, 4, 4]]
    nothing = made.go_on(torch.tensor([[0]]), torch.Generator(), left[:1, :0])
    assert nothing.tokens[:, :, 1].tolist() == [[2, 2, 2, 2]]


class Given(NamedTuple):
    tokens: Tensor


class Continuing:
    """Plans tokens 0, 1, ... of actions, and keeps what was left of the last plan."""

    def __init__(self) -> None:
        self.left: list[list[list[int]]] = []

    def __call__(self, prefix: Tensor, generator: torch.Generator) -> Planned:
        raise AssertionError("it can go on")

    def go_on(
        self, prefix: Tensor, generator: torch.Generator, last: Tensor, /
    ) -> Planned:
        self.left.append(last[..., 1].tolist())
        return Given(torch.arange(3)[None, :, None].expand(len(prefix), -1, 4))


def test_an_agent_gives_a_planner_what_is_left_of_its_last_plan() -> None:
    asked = Continuing()
    assert isinstance(asked, ContinuingPlanner)
    box = np.full(1, -1, np.float32), np.full(1, 1, np.float32)
    agent = TransformerAgent(BINS, LAYOUT, asked, context=1, low=box[0], high=box[1])
    agent.start(2, 0)
    for active in ([True, True], [True, True], [False, True]):
        now = np.array(active)
        actions = agent.act(np.zeros((2, 1), np.float32), now)
        agent.observe(actions, np.zeros(2, np.float32), now)
    assert asked.left == [[[], []], [[1, 2], [1, 2]], [[1, 2]]]
