"""Episodes that are kept together with the plans made in them."""

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from tt_bench.agents.transformer import TransformerAgent
from tt_bench.evaluation.rollout import foresee, record
from tt_bench.interface import FloatArray
from tt_plan import Plan
from tt_tokenize import Layout, UniformBins

LAYOUT = Layout(observation=2, action=1)
STOP = 8
BINS = UniformBins.fit(np.array([[0.0] * 5, [8.0] * 5]), bins=STOP)
LOW, HIGH = np.zeros(1, np.float32), np.full(1, 8, np.float32)


class Counter(gym.Env[FloatArray, FloatArray]):
    """Shows the step and its double; ends at step 6."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gym.spaces.Box(0, 8, (1,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        self.time = 0
        return np.zeros(2, np.float32), {}

    def step(
        self, action: FloatArray
    ) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        self.time += 1
        seen = np.array([self.time, 2 * self.time], np.float32)
        return seen, float(self.time), self.time == 6, False, {}


def plan_of(beams: Tensor, scores: Tensor) -> Plan:
    return Plan(beams[:, 0], scores[:, 0], beams, scores)


def still(prefix: Tensor, generator: torch.Generator) -> Plan:
    """Plan that nothing changes, in two beams."""
    tokens = torch.zeros(len(prefix), 2, 3, LAYOUT.width, dtype=torch.int64)
    tokens[..., :2] = prefix[:, None, None, -2:]
    return plan_of(tokens, torch.zeros(len(prefix), 2))


def test_an_episode_is_kept_with_each_plan_at_its_step() -> None:
    agent = TransformerAgent(
        BINS, LAYOUT, still, context=1, low=LOW, high=HIGH, plan_every=2
    )
    counted: list[int] = []
    rollout = record(agent, Counter(), seed=0, steps=99, on_step=counted.append)
    assert counted == list(range(7))
    np.testing.assert_array_equal(rollout.observations[:, 0], range(7))
    np.testing.assert_array_equal(rollout.rewards, range(1, 7))
    assert [plan.step for plan in rollout.plans] == [0, 2, 4]
    for plan in rollout.plans:
        np.testing.assert_array_equal(plan.observations[:, :, 0], plan.step + 0.5)


def test_an_episode_stops_after_the_steps_asked_for() -> None:
    agent = TransformerAgent(BINS, LAYOUT, still, context=1, low=LOW, high=HIGH)
    rollout = record(agent, Counter(), seed=0, steps=2)
    assert rollout.observations.shape == (3, 2)
    assert len(rollout.plans) == 2


def test_plans_are_decoded_to_the_middles_of_bins_and_end_in_nothing() -> None:
    tokens = torch.arange(2 * 3 * 5).reshape(1, 2, 3, 5) % STOP
    tokens[0, 0, 2] = STOP
    foreseen = foresee(plan_of(tokens, torch.zeros(1, 2)), BINS, LAYOUT, 7)
    best, other = foreseen.observations[0], foreseen.observations[2]
    np.testing.assert_array_equal(best[:2], tokens[0, 0, :2, :2] + 0.5)
    assert np.isnan(best[2]).all()
    assert np.isnan(foreseen.rewards[0, 2])
    np.testing.assert_array_equal(other, tokens[0, 1, :, :2] + 0.5)
    np.testing.assert_array_equal(foreseen.rewards[2], tokens[0, 1, :, 3] + 0.5)


def test_beams_that_do_not_exist_are_left_out() -> None:
    beams = torch.zeros(1, 40, 3, 5, dtype=torch.int64)
    scores = torch.full((1, 40), -torch.inf)
    scores[0, :2] = 0.0
    foreseen = foresee(plan_of(beams, scores), BINS, LAYOUT, 0)
    assert len(foreseen.observations) == 3
