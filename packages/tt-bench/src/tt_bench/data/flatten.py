"""Join dictionary observations to one flat vector, in data and in environments."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from tt_bench.files import one_line

_GOAL_KEYS = {"observation", "achieved_goal", "desired_goal"}
_GOAL = "desired_goal"


def leaves(space: gym.Space[Any]) -> dict[str, int]:
    """Return the size of each vector of an observation space by its key.

    Keys of nested dictionaries are joined by "/"; a space without dictionary is one
    vector with the empty key.

    Raises:
        ValueError: if a part is not a vector of numbers.
    """
    for key, part in _parts(space):
        if _size(part) is None:
            others = ", ".join(filter(None, vectors(space)))
            raise ValueError(
                "expected observations that are vectors or dictionaries of vectors, "
                f"got {one_line(part)}{f' at {key!r}' if key else ''}: images and "
                "discrete observations are not supported"
                f"{f'; choose other parts with --keys: {others}' if others else ''}"
            )
    return vectors(space)


def vectors(space: gym.Space[Any]) -> dict[str, int]:
    """Return the size of each vector by its key as `leaves`, whatever is beside it."""
    sizes = ((key, _size(part)) for key, part in _parts(space))
    return {key: size for key, size in sizes if size is not None}


def _parts(
    space: gym.Space[Any], prefix: str = ""
) -> Iterator[tuple[str, gym.Space[Any]]]:
    """Yield every part of a space with its key."""
    if not isinstance(space, gym.spaces.Dict):
        yield prefix[1:], space
        return
    for key in sorted(space.keys()):
        yield from _parts(space[key], f"{prefix}/{key}")


def _size(space: gym.Space[Any]) -> int | None:
    """Count the numbers of a vector, None if it is none."""
    if isinstance(space, gym.spaces.Box) and len(space.shape) == 1:
        return space.shape[0]
    return None


def goal_keys(space: gym.Space[Any]) -> tuple[str, ...]:
    """Return the parts that the goal is joined from; none if there is no goal."""
    return _under(_GOAL, space)


def _under(name: str, space: gym.Space[Any]) -> tuple[str, ...]:
    """Return the vectors of one part of a dictionary."""
    return tuple(key for key in vectors(space) if f"{key}/".startswith(f"{name}/"))


def default_keys(space: gym.Space[Any], observations: Any) -> tuple[str, ...]:
    """Choose which parts of a dictionary observation to join.

    Of a goal environment: the achieved goal, left out if the observation repeats it,
    and the observation, but not the desired goal. Of other dictionaries: every part
    in sorted order. Of a space without dictionary: none.

    Args:
        space: the observation space.
        observations: observations of one episode, to look for repetition.

    Raises:
        ValueError: if a part that would be joined is not a vector of numbers.
    """
    if not isinstance(space, gym.spaces.Dict):
        return ()
    if {key.partition("/")[0] for key in vectors(space)} != _GOAL_KEYS:
        return tuple(leaves(space))
    keys, achieved = _under("observation", space), _under("achieved_goal", space)
    observation, repeats = (_join(observations, part) for part in (keys, achieved))
    repeated = np.array_equal(observation[..., : repeats.shape[-1]], repeats)
    return keys if repeated else achieved + keys


def check_keys(space: gym.Space[Any], keys: Sequence[str]) -> None:
    """Refuse keys that the observation space doesn't have as vectors.

    Raises:
        ValueError: naming the keys there are.
    """
    there = vectors(space)
    unknown = [key for key in keys if key not in there or not key]
    if unknown or not (keys or "" in there):
        raise ValueError(
            f"expected observation keys of {sorted(key for key in there if key)}, "
            f"got {unknown}: images and discrete observations are not supported; "
            "choose with --keys"
        )


def flatten(observations: Any, keys: Sequence[str]) -> NDArray[np.float32]:
    """Join the parts named by the keys along the last axis; none takes it as it is."""
    parts = [_part(observations, key) for key in keys] or [np.asarray(observations)]
    return np.concatenate(parts, axis=-1, dtype=np.float32, casting="same_kind")


def _join(observations: Any, keys: Sequence[str]) -> NDArray[Any]:
    """Join parts as they are."""
    return np.concatenate([_part(observations, key) for key in keys], axis=-1)


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
        sizes = vectors(env.observation_space)
        if keys:
            check_keys(env.observation_space, keys)
        elif list(leaves(env.observation_space)) != [""]:
            raise ValueError(f"expected keys out of {sorted(sizes)}, got none")
        self._keys = tuple(keys)
        size = sum(sizes[key] for key in keys or ("",))
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (size,), np.float32)

    def observation(self, observation: Any) -> NDArray[np.float32]:
        """Join one observation: [observation]."""
        return flatten(observation, self._keys)
