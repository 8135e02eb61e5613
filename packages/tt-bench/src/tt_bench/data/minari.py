"""Read Minari datasets: from the local cache, else downloaded.

Data of gymnasium-robotics' ant mazes is of a continuing task: it goes on in the
goal, and its goals change from episode to episode. Here it becomes that of D4RL's
task, evaluated in `tt/AntMaze-...-v0`: the reward is 1 within 0.5 m of the maze's
fixed goal, where the episode is cut and has terminated; the reference is (0, 1).
Of maps without such a task, and with other keys, episodes are cut after their
first reward, and evaluated with `continuing_task=False`.
"""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from tt_bench.catalogue import REFERENCE_RETURNS, reference_returns
from tt_bench.data.ant_maze_goals import cut_at, to_fixed_goal
from tt_bench.data.dataset import Dataset, check_reference
from tt_bench.data.episodes import Episodes
from tt_bench.data.flatten import FlatObservation
from tt_bench.data.goals import Goal, View, choose_view, gather_for_goal
from tt_bench.data.minari_cache import dataset_folder, is_local
from tt_bench.data.minari_episodes import gather
from tt_bench.data.minari_files import open_minari, reading_minari, stored_environment
from tt_bench.data.stored_environment import make_stored, tell_left_out
from tt_bench.files import one_line
from tt_bench.tasks import (
    FixedGoal,
    antmaze_id,
    explained,
    import_robotics,
    is_ant_maze,
    make_environment,
    on_raw_rewards,
)


def read_minari(
    dataset_id: str,
    *,
    keys: Sequence[str] | None = None,
    goal: Goal | None = None,
    env: str | None = None,
    trust_env_spec: bool = False,
) -> Dataset:
    """Read a Minari dataset from the local cache, downloading it if it isn't there.

    The cache is `MINARI_DATASETS_PATH`, else `~/.minari/datasets`. Dictionary
    observations are joined to flat ones: of goal environments the achieved goal
    (unless the observation repeats it), the observation, and the desired goal if it
    is not the same in all of the data, as rewards are for it; of others all parts in
    sorted order. The result's `source` says what was done.

    An episode that neither terminated nor was truncated counts as truncated. The
    reference is the dataset's own, else that of D4RL for its environment's family.

    Args:
        dataset_id: such as `mujoco/hopper/medium-v0`.
        keys: the parts of a dictionary observation to join, in order, in place of
            the above. Keys of nested dictionaries are joined by "/".
        goal: "observed" joins the desired goal in any case. "fixed" makes the rewards
            those for the one goal that the environment of the dataset, a maze of
            gymnasium-robotics with one cell for it, is evaluated for; the goal is then
            in the middle of that cell, and not observed.
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
    own = stored_environment(dataset_id)
    own_env = own.env_id if own else None
    with reading_minari(dataset_id):
        view = choose_view(stored, own_env, keys, goal)
        evaluated = env or (antmaze_id(view.ant_task) if view.ant_task else None)
        make = partial(_make_env, dataset_id, evaluated, trust_env_spec)
        episodes, pinned = _read_episodes(dataset_id, stored, view, own_env, make)
        reference = _reference(stored, own_env, env)
    notes = [_origin(dataset_id, found), *_tell_goal(view, pinned)]
    if own and not evaluated:
        notes += tell_left_out(own, trust_env_spec)
    return Dataset(
        name=dataset_id,
        episodes=episodes,
        env_id=evaluated or own_env,
        make_env=partial(_make_flat, make, view.keys, pinned),
        reference=reference,
        source=", ".join(notes),
        observation_keys=view.keys,
        description=str(stored.storage.metadata.get("description", "")),
    )


def _origin(dataset_id: str, found: bool) -> str:
    how = "found at" if found else "downloaded to"
    return f"Minari dataset {dataset_id}, {how} {dataset_folder(dataset_id)}"


def _tell_goal(view: View, pinned: NDArray[np.float64] | None) -> list[str]:
    if pinned is not None:
        return [f"rewards are for the fixed goal ({pinned[0]:g}, {pinned[1]:g})"]
    return [view.note] if view.note else []


def _read_episodes(
    dataset_id: str,
    stored: Any,
    view: View,
    own_env: str | None,
    make: Callable[[], gym.Env[Any, Any]],
) -> tuple[Episodes, NDArray[np.float64] | None]:
    """Read episodes as the task has them, and the goal [2] that is evaluated if one."""
    if view.fixed:
        with contextlib.closing(make()) as env:
            return gather_for_goal(dataset_id, stored, view.keys, env)
    episodes = gather(dataset_id, stored, view.keys)
    if view.ant_task:
        episodes = to_fixed_goal(episodes, view.ant_task)
    elif is_ant_maze(own_env):
        episodes = cut_at(episodes, episodes.rewards >= 1.0)
    return episodes, None


def _check_actions(dataset_id: str, space: gym.Space[Any]) -> None:
    if not isinstance(space, gym.spaces.Box) or len(space.shape) != 1:
        raise ValueError(
            f"expected continuous actions, one vector a step, got {one_line(space)} "
            f"in {dataset_id!r}: discrete actions are not supported"
        )


def _reference(
    stored: Any, own_env: str | None, env: str | None
) -> tuple[float, float] | None:
    if is_ant_maze(own_env):
        return REFERENCE_RETURNS["antmaze"]
    metadata = stored.storage.metadata
    low, high = metadata.get("ref_min_score"), metadata.get("ref_max_score")
    if low is not None and high is not None:
        reference = float(low), float(high)
        check_reference(reference)
        return reference
    return reference_returns(env or own_env or "")


def _make_flat(
    make: Callable[..., gym.Env[Any, Any]],
    keys: tuple[str, ...],
    pinned: NDArray[np.float64] | None,
    **options: Any,
) -> gym.Env[NDArray[np.float32], Any]:
    """Make the environment, its goal where it is pinned, with flat observations."""
    env = make(**options)
    if pinned is not None:
        env = FixedGoal(env, pinned)
    nested = isinstance(env.observation_space, gym.spaces.Dict)
    return FlatObservation(env, keys if nested else ())


def _make_env(
    dataset_id: str, env: str | None, trust: bool, **options: Any
) -> gym.Env[Any, Any]:
    if env is not None:
        return make_environment(env, **options)
    stored = stored_environment(dataset_id)
    if stored is None:
        raise ValueError(
            f"expected a dataset that names its environment, {dataset_id!r} names "
            "none: say which Gymnasium environment to evaluate in"
        )
    if is_ant_maze(stored.env_id):
        options = {"continuing_task": False, **options}
    if trust:
        return _recover(dataset_id, stored.env_id, options)
    return make_stored(stored, options)


def _recover(
    dataset_id: str, env_id: str, options: dict[str, Any]
) -> gym.Env[Any, Any]:
    """Let Minari run what the dataset says."""
    dataset = open_minari(dataset_id, trust=True)
    if "gymnasium_robotics" in str(dataset.storage.metadata):
        import_robotics()
    with explained(env_id):
        return on_raw_rewards(dataset.recover_environment(eval_env=True, **options))
