from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from tt_bench.agents.transformer import TransformerAgent
from tt_bench.evaluation.episodes import evaluate
from tt_bench.interface import FloatArray
from tt_tokenize import Layout

LAYOUT = Layout(observation=2, action=1)
LOW, HIGH = np.array([-1.0], np.float32), np.array([1.0], np.float32)
STOP = 100


class Whole:
    """Bins of width 1 from 0 to 99: the token is the number."""

    bins = STOP

    def encode(self, data: npt.NDArray[Any], columns: Any = None) -> npt.NDArray[Any]:
        tokens: npt.NDArray[np.uint8] = np.clip(data, 0, 99).astype(np.uint8)
        return tokens

    def decode(self, tokens: npt.NDArray[Any], columns: Any = None) -> FloatArray:
        assert tokens.max(initial=0) < STOP, "a stop token is no number"
        return tokens.astype(np.float32)


class Clock(gym.Env[FloatArray, FloatArray]):
    """Shows its length, which is its seed, and the time."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        self.length = seed or 99
        self.time = 0
        return np.array([self.length, 0], np.float32), {}

    def step(
        self, action: FloatArray
    ) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        self.time += 1
        observation = np.array([self.length, self.time], np.float32)
        return observation, float(self.time), self.time == self.length, False, {}


class FakePlan(NamedTuple):
    tokens: Tensor


class Scripted:
    """Plans action tokens 0, 1, 0, 1 ..., and value tokens 50, 51, ... from a call."""

    def __init__(self, horizon: int = 3) -> None:
        self.horizon = horizon
        self.prefixes: list[npt.NDArray[np.int64]] = []

    def __call__(self, prefix: Tensor, generator: torch.Generator) -> FakePlan:
        self.prefixes.append(prefix.numpy().copy())
        tokens = torch.zeros(len(prefix), self.horizon, LAYOUT.width, dtype=torch.int64)
        tokens[:, :, 2] = torch.arange(self.horizon) % 2
        tokens[:, :, 4] = 50 + torch.arange(self.horizon)
        return FakePlan(tokens)


def agent_of(planner: Any, **settings: Any) -> TransformerAgent:
    given: dict[str, Any] = {"context": 3, "low": LOW, "high": HIGH} | settings
    return TransformerAgent(Whole(), LAYOUT, planner, **given)


def act_and_observe(
    agent: TransformerAgent, observations: list[list[float]], reward: float
) -> FloatArray:
    active = np.ones(len(observations), np.bool_)
    actions = agent.act(np.array(observations, np.float32), active)
    agent.observe(actions, np.full(len(observations), reward, np.float32), active)
    return actions


def test_prefix_holds_what_happened_padded_on_the_left() -> None:
    planner = Scripted()
    agent = agent_of(planner)
    agent.start(1, 0)
    for step in range(4):
        act_and_observe(agent, [[10 + step, 20 + step]], 30 + step)
    pad = [-1] * 5
    happened = [[10 + t, 20 + t, 0, 30 + t, 50] for t in range(4)]
    np.testing.assert_array_equal(planner.prefixes[0][0], [*pad, *pad, 10, 20])
    np.testing.assert_array_equal(planner.prefixes[1][0], [*pad, *happened[0], 11, 21])
    np.testing.assert_array_equal(
        planner.prefixes[3][0], [*happened[1], *happened[2], 13, 23]
    )


def test_context_of_one_sees_the_present_alone() -> None:
    planner = Scripted()
    agent = agent_of(planner, context=1)
    agent.start(2, 0)
    act_and_observe(agent, [[1, 2], [3, 4]], 0)
    act_and_observe(agent, [[5, 6], [7, 8]], 0)
    np.testing.assert_array_equal(planner.prefixes[1], [[5, 6], [7, 8]])


def test_a_plan_is_executed_for_plan_every_steps() -> None:
    planner = Scripted()
    agent = agent_of(planner, plan_every=2)
    agent.start(1, 0)
    actions = [act_and_observe(agent, [[0, t]], 0)[0, 0] for t in range(5)]
    assert actions == [0, 1, 0, 1, 0]
    assert len(planner.prefixes) == 3
    value_tokens = planner.prefixes[1][0, [4, 9]]
    np.testing.assert_array_equal(value_tokens, [50, 51])


def test_a_plan_shorter_than_plan_every_is_made_again_when_used_up() -> None:
    planner = Scripted(horizon=1)
    agent = agent_of(planner, plan_every=4)
    agent.start(1, 0)
    for step in range(3):
        act_and_observe(agent, [[0, step]], 0)
    assert len(planner.prefixes) == 3


def test_only_rows_still_running_are_planned_and_keep_their_past() -> None:
    planner = Scripted()
    agent = agent_of(planner)
    agent.start(3, 0)
    act_and_observe(agent, [[1, 1], [2, 2], [3, 3]], 7)
    active = np.array([True, False, True])
    agent.act(np.array([[4, 4], [5, 5], [6, 6]], np.float32), active)
    np.testing.assert_array_equal(
        planner.prefixes[1][:, 5:],
        [[1, 1, 0, 7, 50, 4, 4], [3, 3, 0, 7, 50, 6, 6]],
    )


def test_actions_are_clipped_to_the_box() -> None:
    class Far(Scripted):
        def __call__(self, prefix: Tensor, generator: torch.Generator) -> FakePlan:
            plan = super().__call__(prefix, generator)
            return FakePlan(torch.where(plan.tokens == 0, 40, plan.tokens))

    agent = agent_of(Far())
    agent.start(1, 0)
    assert act_and_observe(agent, [[0, 0]], 0)[0, 0] == 1.0


def test_an_ended_plan_is_not_executed_past_its_end() -> None:
    class Ending(Scripted):
        def __call__(self, prefix: Tensor, generator: torch.Generator) -> FakePlan:
            plan = super().__call__(prefix, generator)
            plan.tokens[:, 1:] = STOP
            return plan

    planner = Ending()
    agent = agent_of(planner, plan_every=3)
    agent.start(1, 0)
    actions = [act_and_observe(agent, [[0, t]], 0)[0, 0] for t in range(3)]
    assert actions == [0, 0, 0]
    assert len(planner.prefixes) == 3


def test_the_generator_starts_from_the_seed_of_each_start() -> None:
    drawn: list[float] = []

    class Drawing(Scripted):
        def __call__(self, prefix: Tensor, generator: torch.Generator) -> FakePlan:
            drawn.append(float(torch.rand((), generator=generator)))
            return super().__call__(prefix, generator)

    agent = agent_of(Drawing())
    for seed in (1, 1, 2):
        agent.start(1, seed)
        act_and_observe(agent, [[0, 0]], 0)
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("seed", [2**63, 2**64, 2**70 + 1])
def test_seeds_may_be_large(seed: int) -> None:
    agent = agent_of(Scripted())
    agent.start(1, seed)
    act_and_observe(agent, [[0, 0]], 0)


def test_wrong_counts_and_settings_are_refused() -> None:
    agent = agent_of(Scripted())
    agent.start(2, 0)
    with pytest.raises(ValueError, match="2 environments"):
        agent.act(np.zeros((3, 2), np.float32), np.ones(3, np.bool_))
    two, both = np.zeros((2, 2), np.float32), np.ones(2, np.bool_)
    agent.observe(agent.act(two, both), np.zeros(2, np.float32), both)
    for rewards in (np.zeros(4, np.float32), np.zeros((), np.float32)):
        with pytest.raises(ValueError, match="rewards of 2 environments, got shape"):
            agent.observe(agent.act(two, both), rewards, both)
    with pytest.raises(ValueError, match="at least 1"):
        agent_of(Scripted(), context=0)
    with pytest.raises(ValueError, match="bounds of 1 action"):
        agent_of(Scripted(), low=np.zeros(2), high=np.ones(2))


def test_evaluation_with_early_ends_leaves_the_other_rows_as_they_were() -> None:
    def prefixes(seeds: list[int]) -> list[npt.NDArray[np.int64]]:
        planner = Scripted()
        evaluate(agent_of(planner), Clock, seeds)
        return planner.prefixes

    alone = prefixes([6])
    together = prefixes([2, 6, 4])
    for step in range(6):
        row = int(step < 2)  # the first row is dropped when its episode has ended
        np.testing.assert_array_equal(together[step][row], alone[step][0])
