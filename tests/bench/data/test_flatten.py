"""Dictionary observations become flat ones in a stated order."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from tt_bench.data.flatten import (
    FlatObservation,
    check_keys,
    default_keys,
    flatten,
    leaves,
)


def box(size: int) -> gym.spaces.Box:
    return gym.spaces.Box(-np.inf, np.inf, (size,), np.float64)


NESTED = gym.spaces.Dict(
    {"b": box(1), "a": gym.spaces.Dict({"d": box(2), "c": box(3)})}
)
GOAL = gym.spaces.Dict(
    {"observation": box(3), "achieved_goal": box(2), "desired_goal": box(2)}
)
SEEN = {
    "observation": np.array([[1.0, 2.0, 3.0]]),
    "achieved_goal": np.array([[1.0, 2.0]]),
    "desired_goal": np.array([[8.0, 9.0]]),
}


class Constant(gym.Env[Any, Any]):
    """Observes one sample of its space."""

    def __init__(self, space: gym.Space[Any]) -> None:
        self.observation_space = space
        self.action_space = box(1)

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, Any]:
        self.observation_space.seed(0)
        return self.observation_space.sample(), {}


def test_every_part_of_a_dictionary_is_joined_in_sorted_order() -> None:
    keys = default_keys(NESTED, NESTED.sample())
    assert leaves(NESTED) == {"a/c": 3, "a/d": 2, "b": 1}
    assert keys == ("a/c", "a/d", "b")
    seen = {"b": [6.0], "a": {"d": [4.0, 5.0], "c": [1.0, 2.0, 3.0]}}
    flat = flatten(seen, keys)
    assert flat.tolist() == [1, 2, 3, 4, 5, 6]
    assert flat.dtype == np.float32


def test_a_goal_environment_that_repeats_its_place_gives_the_observation() -> None:
    assert default_keys(GOAL, SEEN) == ("observation",)


def test_a_goal_environment_that_does_not_gives_its_place_first() -> None:
    seen = SEEN | {"achieved_goal": np.array([[7.0, 7.0]])}
    keys = default_keys(GOAL, seen)
    assert keys == ("achieved_goal", "observation")
    assert flatten(seen, keys).tolist() == [[7, 7, 1, 2, 3]]


def test_the_goal_is_observed_where_it_is_asked_for() -> None:
    flat = flatten(SEEN, ("observation", "desired_goal"))
    assert flat.tolist() == [[1, 2, 3, 8, 9]]


def test_a_wrapped_environment_observes_what_the_data_holds() -> None:
    env = FlatObservation(Constant(NESTED), ("b", "a/d"))
    observation, _ = env.reset()
    raw: Any = env.env.reset()[0]
    expected = np.array([*raw["b"], *raw["a"]["d"]], np.float32)
    assert observation.tolist() == expected.tolist()
    assert env.observation_space.contains(observation)


def test_a_vector_stays_as_it_is() -> None:
    env = FlatObservation(Constant(box(3)), ())
    assert env.reset()[0].shape == (3,)
    assert default_keys(box(3), None) == ()


def test_what_is_no_vector_is_refused() -> None:
    image = gym.spaces.Box(0, 255, (8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="images and discrete"):
        leaves(image)
    with pytest.raises(ValueError, match="at 'x'"):
        leaves(gym.spaces.Dict({"x": gym.spaces.Discrete(3)}))


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'a/c'.*got \['c'\]"):
        check_keys(NESTED, ["c"])
    with pytest.raises(ValueError, match="got none"):
        FlatObservation(Constant(NESTED), ())
    with pytest.raises(ValueError, match="keys of"):
        FlatObservation(Constant(box(2)), ("observation",))
