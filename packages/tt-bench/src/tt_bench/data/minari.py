"""Read Minari datasets: from the local cache, else downloaded."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import minari
import numpy as np
from numpy.typing import NDArray

from tt_bench.catalogue import REFERENCE_RETURNS, reference_returns
from tt_bench.data.ant_maze_goals import ant_task, cut_at, to_fixed_goal
from tt_bench.data.dataset import Dataset
from tt_bench.data.episodes import Episodes
from tt_bench.data.flatten import (
    FlatObservation,
    check_keys,
    default_keys,
    flatten,
    leaves,
)
from tt_bench.data.minari_cache import dataset_folder, fetch, first_line, is_local
from tt_bench.tasks import (
    antmaze_id,
    explained,
    import_robotics,
    is_ant_maze,
    make_environment,
)

_OWN = "tt/"


def read_minari(
    dataset_id: str, *, keys: Sequence[str] | None = None, env: str | None = None
) -> Dataset:
    """Read a Minari dataset from the local cache, downloading it if it isn't there.

    The cache is `MINARI_DATASETS_PATH`, else `~/.minari/datasets`. Dictionary
    observations are joined to flat ones: of goal environments the achieved goal
    (unless the observation repeats it) and the observation, of others all parts in
    sorted order. An episode that neither terminated nor was truncated counts as
    truncated. The reference is the dataset's own, else that of D4RL for its
    environment's family.

    Data of gymnasium-robotics' ant mazes is of a continuing task: it goes on in the
    goal, and its goals change from episode to episode. Here it becomes that of D4RL's
    task, evaluated in `tt/AntMaze-...-v0`: the reward is 1 within 0.5 m of the maze's
    fixed goal, where the episode is cut and has terminated; the reference is (0, 1).
    Of maps without such a task, and with other keys, episodes are cut after their
    first reward, and evaluated with `continuing_task=False`.

    Args:
        dataset_id: such as `mujoco/hopper/medium-v0`.
        keys: the parts of a dictionary observation to join, in order, in place of
            the above; with `desired_goal` the goal is observed. Keys of nested
            dictionaries are joined by "/".
        env: Gymnasium id of the environment to evaluate in, in place of the
            dataset's own.

    Raises:
        ValueError: if there is no such dataset, its files are damaged, or its
            observations or actions are not vectors of numbers.
    """
    found = is_local(dataset_id)
    stored = _open(dataset_id)
    _check_actions(dataset_id, stored.action_space)
    sizes = leaves(stored.observation_space)
    own_env = _evaluation_id(stored)
    with _reading(dataset_id):
        chosen = _choose_keys(stored, keys)
        episodes = _gather(dataset_id, stored, chosen)
    reference = _reference(stored, env or own_env)
    if is_ant_maze(own_env):
        task = ant_task(own_env, chosen, sum(sizes.get(key, 0) for key in chosen))
        episodes = _as_ant_task(episodes, task)
        env = env or (antmaze_id(task) if task else None)
        reference = REFERENCE_RETURNS["antmaze"]
    return Dataset(
        name=dataset_id,
        episodes=episodes,
        env_id=env or own_env,
        make_env=partial(_make_env, dataset_id, env, chosen),
        reference=reference,
        source=f"Minari dataset {dataset_id}, {'found' if found else 'downloaded'} "
        f"{'at' if found else 'to'} {dataset_folder(dataset_id)}",
        observation_keys=chosen,
        description=str(stored.storage.metadata.get("description", "")),
    )


def _as_ant_task(episodes: Episodes, task: str | None) -> Episodes:
    if task is None:
        return cut_at(episodes, episodes.rewards >= 1.0)
    return to_fixed_goal(episodes, task)


def _open(dataset_id: str) -> Any:
    if not is_local(dataset_id):
        fetch(dataset_id)
    with _reading(dataset_id, ValueError):
        return minari.load_dataset(dataset_id)


@contextlib.contextmanager
def _reading(dataset_id: str, *also: type[Exception]) -> Iterator[None]:
    """Turn what damaged files lead to into one clear error."""
    kinds: tuple[type[Exception], ...] = (OSError, KeyError, AssertionError, *also)
    try:
        yield
    except kinds as error:
        raise ValueError(
            f"expected a whole Minari dataset {dataset_id!r} at "
            f"{dataset_folder(dataset_id)}, could not read it "
            f"({first_line(error)}): remove that folder and download or collect it "
            "again"
        ) from error


def _check_actions(dataset_id: str, space: gym.Space[Any]) -> None:
    if not isinstance(space, gym.spaces.Box) or len(space.shape) != 1:
        raise ValueError(
            f"expected continuous actions, one vector a step, got {space} in "
            f"{dataset_id!r}: discrete actions are not supported"
        )


def _choose_keys(stored: Any, keys: Sequence[str] | None) -> tuple[str, ...]:
    space = stored.observation_space
    if keys is not None:
        check_keys(space, keys)
        return tuple(keys)
    return default_keys(space, stored[0].observations)


def _evaluation_id(stored: Any) -> str | None:
    spec = _evaluation_spec(stored)
    return str(spec["id"]) if spec else None


def _evaluation_spec(stored: Any) -> dict[str, Any]:
    """Return what the dataset says of the environment to evaluate in; may be empty."""
    metadata = stored.storage.metadata
    text = metadata.get("eval_env_spec") or metadata.get("env_spec")
    return dict(json.loads(text)) if text else {}


def _reference(stored: Any, env_id: str | None) -> tuple[float, float] | None:
    metadata = stored.storage.metadata
    low, high = metadata.get("ref_min_score"), metadata.get("ref_max_score")
    if low is not None and high is not None:
        return float(low), float(high)
    return reference_returns(env_id) if env_id else None


def _make_env(
    dataset_id: str, env: str | None, keys: tuple[str, ...], **options: Any
) -> gym.Env[NDArray[np.float32], Any]:
    if env is not None:
        made = make_environment(env, **options)
        nested = isinstance(made.observation_space, gym.spaces.Dict)
        return FlatObservation(made, keys if nested else ())
    stored = _open(dataset_id)
    own_env = _evaluation_id(stored)
    if own_env is not None and own_env.startswith(_OWN):
        return _make_own(stored, own_env, keys, options)
    if own_env is None:
        raise ValueError(
            f"expected a dataset that names its environment, {dataset_id!r} names "
            "none: say which Gymnasium environment to evaluate in"
        )
    if "gymnasium_robotics" in str(stored.storage.metadata):
        import_robotics()
    if is_ant_maze(own_env):
        options = {"continuing_task": False, **options}
    with explained(own_env):
        made = stored.recover_environment(eval_env=True, **options)
    return FlatObservation(made, keys)


def _make_own(
    stored: Any, env_id: str, keys: tuple[str, ...], options: dict[str, Any]
) -> gym.Env[NDArray[np.float32], Any]:
    """Make an environment of ours by its id, wherever its class stood before."""
    limit = _evaluation_spec(stored).get("max_episode_steps")
    made = make_environment(env_id, **{"max_episode_steps": limit, **options})
    return FlatObservation(made, keys)


def _gather(dataset_id: str, stored: Any, keys: tuple[str, ...]) -> Episodes:
    sizes = leaves(stored.observation_space)
    width = sum(sizes[key] for key in keys or ("",))
    total = stored.total_steps
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
        terminated.append(bool(episode.terminations[-1]))
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
