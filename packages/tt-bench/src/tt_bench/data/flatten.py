"""Join dictionary observations to one flat vector, in data and in environments."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

_GOAL_KEYS = {"observation", "achieved_goal", "desired_goal"}


def leaves(space: gym.Space[Any], prefix: str = "") -> dict[str, int]:
    """Return the size of each vector of an observation space by its key.

    Keys of nested dictionaries are joined by "/"; a space without dictionary is one
    vector with the empty key.

    Raises:
        ValueError: if a part is not a vector of numbers.
    """
    if isinstance(space, gym.spaces.Dict):
        parts = [leaves(space[key], f"{prefix}/{key}") for key in sorted(space.keys())]
        return {key: size for part in parts for key, size in part.items()}
    if not isinstance(space, gym.spaces.Box) or len(space.shape) != 1:
        raise ValueError(
            "expected observations that are vectors or dictionaries of vectors, got "
            f"{space}{f' at {prefix[1:]!r}' if prefix else ''}: images and discrete "
            "observations are not supported"
        )
    return {prefix[1:]: space.shape[0]}


def default_keys(space: gym.Space[Any], observations: Any) -> tuple[str, ...]:
    """Choose which parts of a dictionary observation to join.

    Of a goal environment: the achieved goal, left out if the observation repeats it,
    and the observation, but not the desired goal. Of other dictionaries: every part
    in sorted order. Of a space without dictionary: none.

    Args:
        space: the observation space.
        observations: observations of one episode, to look for repetition.
    """
    if not isinstance(space, gym.spaces.Dict):
        return ()
    if set(space.keys()) != _GOAL_KEYS:
        return tuple(leaves(space))
    achieved = np.asarray(observations["achieved_goal"])
    observation = np.asarray(observations["observation"])
    repeated = np.array_equal(observation[..., : achieved.shape[-1]], achieved)
    return ("observation",) if repeated else ("achieved_goal", "observation")


def check_keys(space: gym.Space[Any], keys: Sequence[str]) -> None:
    """Refuse keys that the observation space doesn't have.

    Raises:
        ValueError: naming the keys there are.
    """
    there = leaves(space)
    unknown = [key for key in keys if key not in there or not key]
    if unknown:
        raise ValueError(
            f"expected observation keys of {sorted(key for key in there if key)}, "
            f"got {unknown}"
        )


def flatten(observations: Any, keys: Sequence[str]) -> NDArray[np.float32]:
    """Join the parts named by the keys along the last axis; none takes it as it is."""
    parts = [_part(observations, key) for key in keys] or [np.asarray(observations)]
    return np.concatenate(parts, axis=-1, dtype=np.float32, casting="same_kind")


def _part(observations: Mapping[str, Any], key: str) -> NDArray[Any]:
    part: Any = observations
    for name in key.split("/"):
        part = part[name]
    return np.asarray(part)


class FlatObservation(gym.ObservationWrapper[NDArray[np.float32], Any, Any]):
    """Give an environment's observations as flat float32 vectors."""

    def __init__(self, env: gym.Env[Any, Any], keys: Sequence[str]) -> None:
        """Wrap an environment.

        Args:
            env: with vectors or dictionaries of vectors as observations.
            keys: the parts to join, none for an observation that is one vector.

        Raises:
            ValueError: if the observation space doesn't fit the keys.
        """
        super().__init__(env)
        sizes = leaves(env.observation_space)
        if keys:
            check_keys(env.observation_space, keys)
        elif list(sizes) != [""]:
            raise ValueError(f"expected keys out of {sorted(sizes)}, got none")
        self._keys = tuple(keys)
        size = sum(sizes[key] for key in keys or ("",))
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (size,), np.float32)

    def observation(self, observation: Any) -> NDArray[np.float32]:
        """Join one observation: [observation]."""
        return flatten(observation, self._keys)
