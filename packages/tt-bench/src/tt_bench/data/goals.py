"""Whether a dataset's goals move, and what becomes of them.

Rewards of a goal environment are for a goal that may differ by episode. What learns
from them must either see it, or be given the rewards for one goal that stays.
"""

from collections.abc import Sequence
from typing import Any, Literal

import attrs
import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from tt_bench.data.ant_maze_goals import ant_task, cut_at
from tt_bench.data.episodes import Episodes
from tt_bench.data.flatten import check_keys, default_keys, flatten, goal_keys, vectors
from tt_bench.data.minari_episodes import gather
from tt_bench.tasks import single_goal

Goal = Literal["observed", "fixed"]

_ACHIEVED = "achieved_goal"


@attrs.frozen
class View:
    """Say what is seen of a dataset's observations, and how its goals are dealt with.

    Attributes:
        keys: parts of observations that are joined.
        ant_task: maze of the ant task that the data become those of, None for none.
        fixed: whether rewards must be made for one goal.
        note: what to tell people of goals, "" if they don't move.
    """

    keys: tuple[str, ...]
    ant_task: str | None = None
    fixed: bool = False
    note: str = ""


def choose_view(
    stored: Any, env_id: str | None, keys: Sequence[str] | None, goal: Goal | None
) -> View:
    """Choose what is seen of a dataset.

    Args:
        stored: the dataset as Minari opens it.
        env_id: of the environment that it names.
        keys: parts of observations to join, None for the usual ones.
        goal: whether goals are observed or fixed; None lets those be observed that
            move, but of ant mazes with a task of one goal.

    Raises:
        ValueError: if the dataset has no such parts or goals.
    """
    space = stored.observation_space
    if keys is None:
        chosen = default_keys(space, stored[0].observations)
    else:
        check_keys(space, keys)
        chosen = tuple(keys)
    goals = goal_keys(space)
    _check_goal(goal, goals, chosen)
    hidden = tuple(key for key in goals if key not in chosen)
    width = sum(vectors(space).get(key, 0) for key in chosen)
    task = ant_task(env_id, chosen, width)
    if task and goal != "observed":
        return View(chosen, ant_task=task, note="rewards are for the maze's fixed goal")
    if goal == "fixed":
        return View(chosen, fixed=True)
    if not hidden or (goal is None and not _goals_move(stored, goals)):
        return View(chosen)
    if keys is not None and goal is None:
        return View(chosen, note="goals differ by episode and are not observed")
    note = "goals are observed" if goal else "goals are observed, as they differ"
    return View(chosen + hidden, note=note)


def _check_goal(goal: Goal | None, goals: Sequence[str], chosen: Sequence[str]) -> None:
    if goal not in (None, "observed", "fixed"):
        raise ValueError(f"expected goals that are observed or fixed, got {goal!r}")
    if goal and not goals:
        raise ValueError(
            "expected observations with a desired_goal, to be observed or fixed, found "
            "none: leave --goal out"
        )
    if goal == "fixed" and set(goals) & set(chosen):
        raise ValueError(
            f"expected parts of observations without the goal, which is fixed, got "
            f"{', '.join(chosen)}: leave it out of --keys, or use --goal observed"
        )


def _goals_move(stored: Any, keys: Sequence[str]) -> bool:
    """Say whether not all goals are the same."""
    first: NDArray[np.float32] | None = None
    for episode in stored.iterate_episodes():
        goals = flatten(episode.observations, keys)
        first = goals[:1] if first is None else first
        if not np.allclose(goals, first):
            return True
    return False


def gather_for_goal(
    dataset_id: str, stored: Any, keys: Sequence[str], env: gym.Env[Any, Any]
) -> tuple[Episodes, NDArray[np.float64]]:
    """Read a maze's episodes with rewards for the one goal of an environment.

    Where the environment ends in its goal, so do they.

    Args:
        dataset_id: names the dataset in errors.
        stored: the dataset as Minari opens it.
        keys: parts of observations to join.
        env: a maze of gymnasium-robotics.

    Returns:
        The episodes and the goal [2].

    Raises:
        ValueError: if the environment has no single goal.
    """
    goal = single_goal(env)
    both = gather(dataset_id, stored, (*keys, _ACHIEVED))
    seen = both.observations.shape[1] - len(goal)
    achieved = both.next_observations()[:, seen:].astype(np.float64)
    maze: Any = env.unwrapped
    episodes = attrs.evolve(
        both,
        observations=np.ascontiguousarray(both.observations[:, :seen]),
        rewards=maze.compute_reward(achieved, goal, {}),
        final_observations=np.ascontiguousarray(both.final_observations[:, :seen]),
    )
    if maze.continuing_task:
        return episodes, goal
    ended = [maze.compute_terminated(place, goal, {}) for place in achieved]
    return cut_at(episodes, np.array(ended, np.bool_)), goal
