"""Find and make environments by their Gymnasium id, with one error for what fails."""

import contextlib
import importlib
import re
import traceback
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from tt_bench.files import first_line
from tt_bench.tasks.d4rl_env import register_d4rl
from tt_bench.tasks.raw_rewards import on_raw_rewards
from tt_bench.tasks.robotics import import_robotics

_ANT_MAZE = re.compile(r"AntMaze_(UMaze|Medium|Large)?")
_BREAKS_ROBOTICS = 4  # major version of mujoco: enumerations compare otherwise


def find_environment(env_id: str) -> EnvSpec:
    """Look up an environment, also among those of gymnasium-robotics.

    Args:
        env_id: such as Hopper-v5, or module:Name-v0 for one that a module registers,
            or d4rl/hopper-medium-v2 for one of D4RL's own.

    Raises:
        ValueError: if there is none.
    """
    module, _, name = env_id.rpartition(":")
    register_d4rl()
    with explained(env_id):
        if module:
            importlib.import_module(module)
        try:
            return gym.spec(name)
        except gym.error.NameNotFound:
            import_robotics()
            return gym.spec(name)


def make_environment(env_id: str, **options: Any) -> gym.Env[Any, Any]:
    """Make an environment whose episodes end where its task is done.

    Ant mazes of gymnasium-robotics otherwise go on with another goal. Wrappers that
    normalise or clip rewards are left out: scores are of raw rewards.

    Args:
        env_id: as in `find_environment`.
        **options: of `gymnasium.make`.

    Raises:
        ValueError: if there is none, or what it needs is not installed.
    """
    spec = find_environment(env_id)
    if is_ant_maze(spec.id):
        options = {"continuing_task": False, **options}
    with explained(env_id):
        return on_raw_rewards(gym.make(spec, **options))


@contextlib.contextmanager
def explained(env_id: str | None) -> Iterator[None]:
    """Turn whatever is raised where an environment is made into one ValueError."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"expected a Gymnasium environment that can be made here, got {env_id!r} "
            f"({type(error).__name__}: {first_line(error)}): {_advice(error)}"
        ) from error


def _advice(error: BaseException) -> str:
    """Say what to do about an environment that can't be made."""
    frames = traceback.walk_tb(error.__traceback__)
    names = [str(frame.f_globals.get("__name__")) for frame, _ in frames]
    theirs = any(name.startswith("gymnasium_robotics.") for name in names)
    broken = theirs and isinstance(error, AssertionError)
    if broken and int(version("mujoco").partition(".")[0]) >= _BREAKS_ROBOTICS:
        return (
            f"gymnasium-robotics {version('gymnasium-robotics')} does not work with "
            f"mujoco {version('mujoco')}; pip install 'mujoco<{_BREAKS_ROBOTICS}'"
        )
    return (
        "give an id with its version, such as Hopper-v5, or module:Name-v0 for one "
        "that a module registers, and install what it needs"
    )


def ant_maze_size(env_id: str | None) -> str | None:
    """Return umaze, medium or large for gymnasium-robotics' ant mazes of that map."""
    found = _ANT_MAZE.match(env_id or "")
    return found[1].lower() if found and found[1] else None


def is_ant_maze(env_id: str | None) -> bool:
    """Say whether an environment is one of gymnasium-robotics' ant mazes."""
    return env_id is not None and _ANT_MAZE.match(env_id) is not None
