"""What an environment asks of a method: action bounds and a time limit."""

import attrs
import gymnasium
import numpy as np

from tt_bench.data import Dataset
from tt_bench.interface import (
    FloatArray,
)

_SLACK = 1e-3  # of a bound, that rounding may exceed it by


@attrs.frozen(eq=False)
class Task:
    """The environment of a dataset, as far as methods need to know it.

    Attributes:
        low: lowest actions [Da].
        high: highest actions [Da].
        steps: steps of an episode at most.
    """

    low: FloatArray
    high: FloatArray
    steps: int


def find_task(dataset: Dataset, max_steps: int | None = None) -> Task:
    """Ask the environment of a dataset, and check that the data fits it.

    Args:
        dataset: what will be learned from.
        max_steps: a time limit in place of the environment's own.

    Raises:
        ValueError: the environment is unknown, has no time limit or no box of
            actions, its sizes are not the data's, or it can't take the data's actions.
    """
    env = dataset.make_env()
    env.close()
    _check_sizes(dataset, env)
    box = env.action_space
    if not isinstance(box, gymnasium.spaces.Box):
        raise ValueError(f"expected continuous actions, got {box} in {dataset.env_id}")
    steps = max_steps or (env.spec.max_episode_steps if env.spec else None)
    if steps is None:
        raise ValueError(
            f"expected a time limit of episodes, {dataset.env_id} has none: give one "
            "with --max-steps"
        )
    _check_actions(dataset, box)
    return Task(
        np.asarray(box.low, np.float32), np.asarray(box.high, np.float32), steps
    )


def _check_sizes(dataset: Dataset, env: gymnasium.Env[FloatArray, FloatArray]) -> None:
    shapes = env.observation_space.shape, env.action_space.shape
    sizes = dataset.episodes.observations.shape[1], dataset.episodes.actions.shape[1]
    if shapes != tuple((size,) for size in sizes):
        raise ValueError(
            f"expected data that fits {dataset.env_id}, whose observations and actions "
            f"have shapes {shapes[0]} and {shapes[1]}; {dataset.name} has {sizes[0]} "
            f"and {sizes[1]} numbers: name the environment with --env"
        )


def _check_actions(dataset: Dataset, box: gymnasium.spaces.Box) -> None:
    actions = dataset.episodes.actions
    slack = _SLACK * np.maximum(1.0, np.abs(box.high))
    outside = (actions < box.low - slack) | (actions > box.high + slack)
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ValueError(
            f"expected actions within those of {dataset.env_id}, {box.low} to "
            f"{box.high}; {dataset.name} has {actions[row, column]} as number {column} "
            f"of the action of row {row}: clip the actions, or name the environment "
            "that they were made for with --env"
        )


def chunk_task(task: Task, length: int) -> Task:
    """Return what a task asks of joined actions: bounds [K * Da], steps in chunks."""
    return Task(
        np.tile(task.low, length), np.tile(task.high, length), -(-task.steps // length)
    )
