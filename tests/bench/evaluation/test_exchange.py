"""What environments are sent and what they answer, whatever kind they are of."""

from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import TransformAction
from hypothesis import given
from hypothesis import strategies as st

from tt_bench import FunctionAgent, RandomAgent, collect, evaluate
from tt_bench.interface import BoolArray, FloatArray


class Scripted(gym.Env[Any, Any]):
    """Answer as it is told, end by its seed, and keep the actions that it gets."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)

    def __init__(
        self,
        action_space: gym.Space[Any] | None = None,
        reward: Any = 1.0,
        info: Any = None,
        ends: Any = True,
        seen: Any = (0.0, 0.0),
        raises: BaseException | None = None,
    ) -> None:
        self.action_space = action_space or spaces.Box(-1, 1, (1,), np.float32)
        self.answer = reward, {} if info is None else info, ends
        self.seen, self.raises = np.array(seen, np.float32), raises
        self.got: list[Any] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        self.length, self.taken = (seed or 0) % 5 + 1, 0
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, Any, Any, Any, Any]:
        assert self.taken < self.length, "stepped after its end"
        if self.raises is not None:
            raise self.raises
        self.got.append(action)
        self.taken += 1
        reward, info, ends = self.answer
        over = self.taken == self.length
        return self.seen, reward, ends if over else False, False, info


class Says:
    """Send the same to every environment."""

    def __init__(self, *action: Any) -> None:
        self.action = np.array(action)

    def start(self, count: int, seed: int, /) -> None:
        self.told: list[FloatArray] = []

    def act(self, observations: FloatArray, active: BoolArray, /) -> Any:
        return np.broadcast_to(self.action, (len(observations), len(self.action)))

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        self.told.append(actions[active])


def play(**parts: Any) -> Any:
    return evaluate(Says(0.0), lambda: Scripted(**parts), [1])


# Success


@pytest.mark.parametrize(
    ("info", "success"),
    [
        ({"success": np.nan}, False),
        ({"success": np.float32(np.nan)}, False),
        ({"success": np.array([np.nan])}, False),
        ({"is_success": np.nan}, False),
        ({"is_success": 1.0}, True),
        ({"is_success": np.float32(0)}, False),
        ({"is_success": True, "success": False}, True),
        ({"success": np.array([1.0])}, True),
        ({"success": np.array([[False]])}, False),
        ({"success": [True]}, True),
        ({"success": np.array(True)}, True),
        ({"success": True}, True),
        ({"success": 1}, True),
        ({"success": None}, None),
        ({"successes": 1}, None),
        ({}, None),
    ],
)
def test_success_is_what_is_said_and_no_nan(
    info: dict[str, Any], success: bool | None
) -> None:
    found = play(info=info).successes
    assert (None if found is None else found.tolist()) == (
        None if success is None else [success]
    )


@pytest.mark.parametrize(
    "info",
    [
        {"success": [[1], [1, 2]]},
        {"success": np.array([True, False])},
        {"is_success": "yes"},
        {"is_success": np.zeros(0)},
        {"success": {"a": 1}},
        {"success": object()},
    ],
)
def test_success_of_no_single_number_is_one_clear_line(info: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected one number as info\['(is_)?succ"):
        play(info=info)


@pytest.mark.parametrize("reward", [np.array([2.0]), np.float32(2), 2, [2.0], [[2]]])
def test_a_reward_may_be_an_array_of_one(reward: Any) -> None:
    assert play(reward=reward).returns.tolist() == [4.0]


@pytest.mark.parametrize(
    "reward",
    [np.zeros(2), None, "much", np.nan, np.inf, 1e300, [[1], [1, 2]], 1j, [], {}],
)
def test_a_reward_that_is_no_finite_number_is_one_clear_line(reward: Any) -> None:
    with pytest.raises(
        ValueError, match=r"expected .* as reward .* Scripted"
    ) as raised:
        play(reward=reward)
    assert len(str(raised.value).splitlines()) == 1


def test_a_return_beyond_float32_is_refused() -> None:
    with pytest.raises(ValueError, match="beyond float32"):
        play(reward=3e38)


@pytest.mark.parametrize("ends", [np.array([True]), np.bool_(True), 1, [True]])
def test_flags_may_be_arrays_of_one(ends: Any) -> None:
    assert play(ends=ends).lengths.tolist() == [2]


@pytest.mark.parametrize("ends", [np.zeros(2, np.bool_), None, "no", np.nan, []])
def test_flags_of_no_single_value_are_one_clear_line(ends: Any) -> None:
    with pytest.raises(ValueError, match="as terminated"):
        play(ends=ends)


@pytest.mark.parametrize("info", [None, 3, [{"success": True}]])
def test_infos_that_are_none_say_nothing(info: Any) -> None:
    env = Scripted()
    env.answer = 1.0, info, True
    assert evaluate(Says(0.0), lambda: env, [1]).successes is None


@pytest.mark.parametrize("seen", [(0.0,), (0.0, 0.0, 0.0), [[0.0, 0.0]]])
def test_an_observation_of_another_shape_is_one_clear_line(seen: Any) -> None:
    with pytest.raises(ValueError, match=r"expected an observation \[2\]"):
        play(seen=seen)


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), AssertionError(), RuntimeError("a\nb"), AttributeError("y")],
)
def test_an_environment_that_breaks_is_one_clear_line(error: Exception) -> None:
    with pytest.raises(
        ValueError, match=r"Scripted.*" + type(error).__name__
    ) as raised:
        play(raises=error)
    assert len(str(raised.value).splitlines()) == 1


# Actions


def bounds(space: spaces.Box) -> tuple[FloatArray, FloatArray]:
    return np.asarray(space.low, np.float32), np.asarray(space.high, np.float32)


def box(low: Any, high: Any, dtype: Any, size: int = 1) -> spaces.Box:
    return spaces.Box(low, high, (size,), dtype)


BOXES = [
    box(0.5, 2, np.float32),
    box(0.1, 0.3, np.float64),
    box(-0.1, 0.1, np.float16),
    box(-1, 1, np.int64),
    box(1, 7, np.uint8),
    box(0, 2**64 - 1, np.uint64),
    box(-(2**63), 2**63 - 1, np.int64),
    box(-np.inf, np.inf, np.float64),
    box(-np.inf, 0.1, np.float64),
    spaces.Box(np.array([0.0, -1.0]), np.array([0.1, 1.0]), dtype=np.float64),
]


@pytest.mark.parametrize("space", BOXES, ids=str)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_action_that_is_sent_is_inside_the_space(
    space: spaces.Box, number: float
) -> None:
    env = Scripted(space)
    evaluate(Says(*[np.float32(number)] * space.shape[0]), lambda: env, [4])
    assert len(env.got) == 5
    assert all(space.contains(action) for action in env.got)


@pytest.mark.parametrize("space", BOXES[:5], ids=str)
def test_random_actions_are_inside_and_ended_environments_are_left(
    space: spaces.Box,
) -> None:
    envs: list[Scripted] = []

    def make() -> Scripted:
        envs.append(Scripted(space))
        return envs[-1]

    outcome = evaluate(RandomAgent(*bounds(space)), make, [0, 1, 2, 3, 4])
    assert outcome.lengths.tolist() == [1, 2, 3, 4, 5]
    assert [len(env.got) for env in envs] == [1, 2, 3, 4, 5]
    assert all(space.contains(action) for env in envs for action in env.got)


@pytest.mark.parametrize(
    ("number", "sent"), [(0.4, 0), (0.6, 1), (-3, -1), (9, 1), (-0.6, -1)]
)
def test_whole_numbers_are_the_nearest(number: float, sent: int) -> None:
    env = Scripted(box(-1, 1, np.int64))
    evaluate(Says(number), lambda: env, [0])
    assert env.got[0].tolist() == [sent]
    assert env.got[0].dtype == np.int64


def test_actions_inside_are_sent_as_they_are() -> None:
    numbers = np.linspace(-1, 1, 101, dtype=np.float32)
    envs = [Scripted(box(-1, 1, np.float32)) for _ in numbers]
    for number, env in zip(numbers, envs, strict=True):
        evaluate(Says(number), partial(next, iter([env])), [0])
        assert env.got[0][0] == number


def test_agents_and_data_hold_what_was_sent() -> None:
    agent = Says(9.0)
    made = collect(
        agent, lambda: Scripted(box(0.5, 2, np.float32)), transitions=1, seed=0
    )
    assert set(made.actions[:, 0].tolist()) == {2.0}
    assert set(np.concatenate(agent.told)[:, 0].tolist()) == {2.0}


def test_an_environment_that_changes_its_action_changes_no_record() -> None:
    class Greedy(Scripted):
        def step(self, action: Any) -> tuple[Any, Any, Any, Any, Any]:
            action *= 0
            return super().step(action)

    agent = Says(np.float32(0.5))
    evaluate(agent, Greedy, [3])
    assert set(np.concatenate(agent.told)[:, 0].tolist()) == {0.5}


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_an_action_that_is_no_number_is_one_clear_line(number: float) -> None:
    env = Scripted(box(-np.inf, np.inf, np.float32))
    with pytest.raises(ValueError, match="expected finite actions"):
        evaluate(Says(number), lambda: env, [0])
    with pytest.raises(ValueError, match="expected finite actions"):
        evaluate(Says(np.nan), Scripted, [0])


@pytest.mark.parametrize("action", [(0.0, 0.0), ()])
def test_actions_of_another_size_are_one_clear_line(action: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected actions \[1, 1\]"):
        evaluate(Says(*action), Scripted, [0])


def test_a_function_is_clipped() -> None:
    env = Scripted(box(0.1, 0.3, np.float64))
    agent = FunctionAgent(
        lambda seen: np.full((len(seen), 1), -5.0, np.float32),
        np.array([0.1], np.float32),
        np.array([0.3], np.float32),
    )
    evaluate(agent, lambda: env, [3])
    assert all(env.action_space.contains(action) for action in env.got)


def test_the_advice_for_boxes_without_bounds_helps() -> None:
    space = box(-np.inf, np.inf, np.float32)
    with pytest.raises(ValueError, match="TransformAction") as raised:
        RandomAgent(*bounds(space))
    assert "RescaleAction" not in str(raised.value)

    bounded = box(-2, 2, np.float32)
    made = TransformAction(Scripted(space), lambda action: action, bounded)
    assert evaluate(RandomAgent(*bounds(bounded)), lambda: made, [1])


@pytest.mark.parametrize("bound", [1e308, 1.7e308])
def test_bounds_too_far_apart_are_refused(bound: Any) -> None:
    with pytest.raises(ValueError, match="finite action bounds"):
        RandomAgent(-np.full(1, bound), np.full(1, bound))


# Seeds and steps


@pytest.mark.parametrize("seeds", [np.arange(2), (0, 1), range(2), [np.int64(0), 1]])
def test_seeds_may_be_any_sequence_of_whole_numbers(seeds: Any) -> None:
    assert evaluate(Says(0.0), Scripted, seeds).lengths.tolist() == [1, 2]


@pytest.mark.parametrize(
    "seeds", [[-1], [1.5], ["a"], 3, np.zeros((2, 2), int), [None]]
)
def test_seeds_that_are_none_are_one_clear_line(seeds: Any) -> None:
    with pytest.raises(ValueError, match="expected seeds"):
        evaluate(Says(0.0), Scripted, seeds)


@pytest.mark.parametrize("seed", [2**32, 20_240_101 * 1000, 2**64, 2**70])
def test_seeds_may_be_large(seed: int) -> None:
    evaluate(Says(0.0), lambda: gym.make("Pendulum-v1"), [seed], max_steps=2)


@pytest.mark.parametrize("steps", [0, -1])
def test_no_steps_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="max_steps"):
        evaluate(Says(0.0), Scripted, [0], max_steps=steps)


def test_spaces_that_are_no_boxes_are_refused_wherever_they_are_played() -> None:
    with pytest.raises(ValueError, match="flat box"):
        collect(Says(0.0), lambda: gym.make("CartPole-v1"), transitions=1, seed=0)
