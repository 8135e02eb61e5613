"""Read Minari datasets: from the local cache, else downloaded."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gymnasium as gym
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
    leaves,
)
from tt_bench.data.minari_cache import dataset_folder, is_local
from tt_bench.data.minari_episodes import gather
from tt_bench.data.minari_files import open_minari, reading_minari, stored_environment
from tt_bench.data.stored_environment import make_stored
from tt_bench.tasks import (
    antmaze_id,
    explained,
    import_robotics,
    is_ant_maze,
    make_environment,
)


def read_minari(
    dataset_id: str,
    *,
    keys: Sequence[str] | None = None,
    env: str | None = None,
    trust_env_spec: bool = False,
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
        trust_env_spec: whether the environment is made as the dataset says, which runs
            any code that it names; else only known ones are made, by their id.

    Raises:
        ValueError: if there is no such dataset, its files are damaged, or its
            observations or actions are not vectors of numbers.
    """
    found = is_local(dataset_id)
    stored = open_minari(dataset_id, trust=trust_env_spec)
    _check_actions(dataset_id, stored.action_space)
    sizes = leaves(stored.observation_space)
    own = stored_environment(dataset_id)
    own_env = own.env_id if own else None
    with reading_minari(dataset_id):
        chosen = _choose_keys(stored, keys)
        episodes = gather(dataset_id, stored, chosen)
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
        make_env=partial(_make_env, dataset_id, env, chosen, trust_env_spec),
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


def _reference(stored: Any, env_id: str | None) -> tuple[float, float] | None:
    metadata = stored.storage.metadata
    low, high = metadata.get("ref_min_score"), metadata.get("ref_max_score")
    if low is not None and high is not None:
        return float(low), float(high)
    return reference_returns(env_id) if env_id else None


def _make_env(
    dataset_id: str,
    env: str | None,
    keys: tuple[str, ...],
    trust: bool,
    **options: Any,
) -> gym.Env[NDArray[np.float32], Any]:
    if env is not None:
        made = make_environment(env, **options)
        nested = isinstance(made.observation_space, gym.spaces.Dict)
        return FlatObservation(made, keys if nested else ())
    stored = stored_environment(dataset_id)
    if stored is None:
        raise ValueError(
            f"expected a dataset that names its environment, {dataset_id!r} names "
            "none: say which Gymnasium environment to evaluate in"
        )
    if is_ant_maze(stored.env_id):
        options = {"continuing_task": False, **options}
    if trust:
        made = _recover(dataset_id, stored.env_id, options)
    else:
        made = make_stored(stored, options)
    return FlatObservation(made, keys)


def _recover(dataset_id: str, env_id: str, options: dict[str, Any]) -> Any:
    """Let Minari run what the dataset says."""
    dataset = open_minari(dataset_id, trust=True)
    if "gymnasium_robotics" in str(dataset.storage.metadata):
        import_robotics()
    with explained(env_id):
        return dataset.recover_environment(eval_env=True, **options)
