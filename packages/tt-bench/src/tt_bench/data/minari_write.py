"""Write Minari datasets: whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import minari
import numpy as np
from gymnasium.envs.registration import EnvSpec
from minari.data_collector import EpisodeBuffer
from minari.dataset.minari_dataset import parse_dataset_id
from minari.dataset.minari_storage import MinariStorage
from minari.namespace import create_namespace
from minari.storage import get_dataset_path

from tt_bench.data.dataset import check_reference
from tt_bench.data.episodes import Episodes
from tt_bench.data.minari_cache import WRITING, dataset_folder, is_id
from tt_bench.files import scratch_folder


@attrs.frozen
class MinariNotes:
    """Say what a Minari dataset is.

    Attributes:
        env: Gymnasium specification that the data was collected in, None if unknown.
        eval_env: specification to evaluate in, None for the same.
        reference: mean return of a random policy and of an expert, None if unknown.
        reference_episodes: number of episodes behind each of the two means.
        description: what the data is, in a sentence or two.
        algorithm: what chose the actions.
        author: who made the data.
    """

    env: EnvSpec | None = None
    eval_env: EnvSpec | None = None
    reference: tuple[float, float] | None = None
    reference_episodes: int | None = None
    description: str = ""
    algorithm: str = ""
    author: str = ""


def write_minari(episodes: Episodes, dataset_id: str, notes: MinariNotes) -> Path:
    """Write episodes into the local Minari cache and return the dataset's folder.

    The files are written under a hidden name beside their place and then moved, so
    that an interruption leaves no dataset behind. What a killed process left of one is
    deleted.

    Raises:
        ValueError: if the id is malformed or taken, the data doesn't fit the
            environment's spaces, or the reference is none.
    """
    target = check_unused(dataset_id)
    if notes.reference is not None:
        check_reference(notes.reference)
    namespace, _, _ = parse_dataset_id(dataset_id)
    spaces = _spaces(episodes, notes.env)
    with scratch_folder(get_dataset_path(), WRITING) as partial:
        _write(episodes, partial / "data", spaces, notes, dataset_id)
        if namespace is not None:
            with contextlib.suppress(ValueError):  # there already
                create_namespace(namespace)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(partial, target)
    return target


def check_unused(dataset_id: str) -> Path:
    """Return the folder that a dataset would be kept in.

    Raises:
        ValueError: if it is no Minari id, or the folder is there already.
    """
    if not is_id(dataset_id):
        raise ValueError(
            "expected a Minari id with its version such as mujoco/hopper/medium-v0, "
            f"got {dataset_id!r}"
        )
    target = dataset_folder(dataset_id)
    if target.exists():
        raise ValueError(
            f"expected an unused dataset id, {dataset_id!r} exists at {target}: "
            "choose another version or remove that folder"
        )
    return target


def _spaces(
    episodes: Episodes, env: EnvSpec | None
) -> tuple[gym.Space[Any], gym.Space[Any]]:
    sizes = (episodes.observations.shape[1], episodes.actions.shape[1])
    if env is None:
        observation, action = (
            gym.spaces.Box(-np.inf, np.inf, (size,), np.float32) for size in sizes
        )
        return observation, action
    made = gym.make(env)
    made.close()
    spaces = made.observation_space, made.action_space
    if tuple(space.shape for space in spaces) != tuple((size,) for size in sizes):
        raise ValueError(
            f"expected data of {env.id}, observations {spaces[0]} and actions "
            f"{spaces[1]}, got {sizes[0]} and {sizes[1]} numbers a step"
        )
    return spaces


def _write(
    episodes: Episodes,
    folder: Path,
    spaces: tuple[gym.Space[Any], gym.Space[Any]],
    notes: MinariNotes,
    dataset_id: str,
) -> None:
    folder.mkdir(parents=True)
    storage = MinariStorage.new(
        folder,
        observation_space=spaces[0],
        action_space=spaces[1],
        env_spec=notes.env,
    )
    storage.update_metadata(_metadata(notes, dataset_id))
    storage.update_episodes(_buffers(episodes))


def _metadata(notes: MinariNotes, dataset_id: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "dataset_id": dataset_id,
        "minari_version": minari.__version__,
        "description": notes.description,
        "algorithm_name": notes.algorithm,
        "author": {notes.author},
    }
    if notes.eval_env is not None:
        metadata["eval_env_spec"] = notes.eval_env.to_json()
    if notes.reference is not None:
        metadata["ref_min_score"], metadata["ref_max_score"] = notes.reference
    if notes.reference_episodes is not None:
        metadata["num_episodes_average_score"] = notes.reference_episodes
    return metadata


def _buffers(episodes: Episodes) -> Iterator[EpisodeBuffer]:
    starts = episodes.ends - episodes.lengths
    for index, (begin, end) in enumerate(zip(starts, episodes.ends, strict=True)):
        last = np.arange(begin, end) == end - 1
        final = episodes.final_observations[index]
        yield EpisodeBuffer(
            observations=np.vstack([episodes.observations[begin:end], final]),
            actions=episodes.actions[begin:end],
            rewards=episodes.rewards[begin:end],
            terminations=last & episodes.terminated[index],
            truncations=last & ~episodes.terminated[index],
        )
