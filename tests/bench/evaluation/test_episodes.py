from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from tt_bench.evaluation.episodes import Step, evaluate
from tt_bench.interface import BoolArray, FloatArray


class Countdown(gym.Env[FloatArray, FloatArray]):
    """Ends after as many steps as the seed says; pays the action, then a bonus."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, limit: int = 1_000, report: bool = True) -> None:
        self.limit = limit
        self.report = report

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        if seed is not None:
            self.length = seed
        self.step_index = 0
        return self._observe(), {}

    def step(
        self, action: FloatArray
    ) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        self.step_index += 1
        terminated = self.step_index == self.length
        truncated = self.step_index == self.limit
        info = {"success": terminated} if self.report else {}
        return self._observe(), float(action[0]), terminated, truncated, info

    def _observe(self) -> FloatArray:
        return np.array([self.length, self.step_index], np.float32)


class Recorder:
    """Pays one half a step and keeps what it was shown."""

    def start(self, count: int, seed: int, /) -> None:
        self.count, self.seed = count, seed
        self.seen: list[tuple[FloatArray, BoolArray]] = []
        self.earned: list[tuple[FloatArray, BoolArray]] = []

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        self.seen.append((observations.copy(), active))
        return np.full((len(observations), 1), 0.5, np.float32)

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        self.earned.append((rewards, active))


def test_episodes_of_different_lengths_count_until_they_end() -> None:
    agent = Recorder()
    outcome = evaluate(agent, Countdown, [5, 2, 7])
    np.testing.assert_array_equal(outcome.lengths, [5, 2, 7])
    np.testing.assert_allclose(outcome.returns, [2.5, 1.0, 3.5])
    np.testing.assert_array_equal(outcome.active, [3, 3, 2, 2, 2, 1, 1])
    assert (agent.count, agent.seed) == (3, 5)
    assert len(outcome.act_seconds) == 7


def test_rows_that_run_on_see_their_own_episode_after_others_ended() -> None:
    agent = Recorder()
    evaluate(agent, Countdown, [3, 1, 4])
    for step, (observations, active) in enumerate(agent.seen):
        np.testing.assert_array_equal(active, [step < 3, step < 1, step < 4])
        expected = [[length, step] for length in (3, 1, 4)]
        np.testing.assert_array_equal(
            observations[active], np.array(expected, np.float32)[active]
        )


def test_rewards_are_shown_for_the_rows_that_acted() -> None:
    agent = Recorder()
    evaluate(agent, Countdown, [1, 2])
    np.testing.assert_array_equal(agent.earned[0][1], [True, True])
    np.testing.assert_array_equal(agent.earned[1][1], [False, True])
    np.testing.assert_allclose(agent.earned[0][0], [0.5, 0.5])


def test_success_at_any_step_counts_and_is_none_where_not_reported() -> None:
    reached = evaluate(Recorder(), lambda: Countdown(limit=3), [2, 9])
    assert reached.successes is not None
    np.testing.assert_array_equal(reached.successes, [True, False])
    silent = evaluate(Recorder(), lambda: Countdown(report=False), [2, 3])
    assert silent.successes is None


def test_max_steps_cuts_environments_without_a_limit() -> None:
    outcome = evaluate(Recorder(), Countdown, [50, 2], max_steps=4)
    np.testing.assert_array_equal(outcome.lengths, [4, 2])


def test_every_step_is_reported() -> None:
    steps: list[Step] = []
    evaluate(Recorder(), Countdown, [1, 3], on_step=steps.append)
    assert [step.running for step in steps] == [1, 1, 0]
    assert steps[-1].mean_return == pytest.approx(1.0)


def test_no_seeds_and_spaces_that_are_no_boxes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one seed"):
        evaluate(Recorder(), Countdown, [])

    with pytest.raises(ValueError, match="flat box"):
        evaluate(Recorder(), lambda: gym.make("CartPole-v1"), [1])
