"""Join a Minari dataset's episodes to flat arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tt_bench.data.episodes import Episodes
from tt_bench.data.flatten import flatten, leaves, vectors
from tt_bench.files import check_memory

_NUMBER = 4  # bytes


def gather(dataset_id: str, stored: Any, keys: Sequence[str]) -> Episodes:
    """Read all episodes that have steps, with the parts of observations joined.

    Args:
        dataset_id: names the dataset in errors.
        stored: the dataset as Minari opens it.
        keys: parts of a dictionary observation, none for vectors.

    Raises:
        ValueError: if an episode is not what it should be.
        Exception: of any other kind, if files are damaged.
    """
    sizes = (vectors if keys else leaves)(stored.observation_space)
    width = sum(sizes[key] for key in keys or ("",))
    total = stored.total_steps
    needed = _NUMBER * total * (width + stored.action_space.shape[0] + 1)
    check_memory(f"Minari dataset {dataset_id!r}", needed)
    observations = np.empty((total, width), np.float32)
    actions = np.empty((total, *stored.action_space.shape), np.float32)
    rewards = np.empty(total, np.float32)
    finals, ends, terminated = [], [], []
    end = 0
    for episode in stored.iterate_episodes():
        begin, end = end, end + len(episode.rewards)
        if begin == end:
            continue
        flat = flatten(episode.observations, keys)
        _check_episode(dataset_id, episode, len(flat), total - begin)
        observations[begin:end], final = flat[:-1], flat[-1]
        actions[begin:end] = episode.actions
        rewards[begin:end] = episode.rewards
        ends.append(end)
        finals.append(final)
        terminated.append(episode.terminations[-1])
    arrays = observations[:end], actions[:end], rewards[:end]
    return Episodes(*arrays, ends, terminated, finals)


def _check_episode(dataset_id: str, episode: Any, seen: int, left: int) -> None:
    steps = len(episode.rewards)
    if seen != steps + 1 or len(episode.actions) != steps or steps > left:
        raise ValueError(
            f"expected episode {episode.id} of {dataset_id!r} to have one observation "
            f"more than actions and rewards, and at most {left} of those, got {seen} "
            f"observations, {len(episode.actions)} actions, {steps} rewards"
        )
    early = np.flatnonzero(episode.terminations[:-1])
    if len(early):
        raise ValueError(
            f"expected episodes of {dataset_id!r} to end where they terminate, episode "
            f"{episode.id} goes on after step {early[0]}: split it first"
        )
