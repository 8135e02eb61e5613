"""Turn data of gymnasium-robotics' ant mazes into that of the task with one goal."""

import attrs
import numpy as np

from tt_bench.data.episodes import Episodes
from tt_bench.interface import BoolArray, IntArray
from tt_bench.tasks import (
    OBSERVATION,
    ant_maze_size,
    cells_to_metres,
    find_maze,
    in_goal,
)

_FLAT_KEYS = ("achieved_goal", "observation")


def ant_task(env_id: str | None, keys: tuple[str, ...], width: int) -> str | None:
    """Name the maze to evaluate an ant maze's data in, None where there is none here.

    Args:
        env_id: of the environment that the data names.
        keys: the parts that its flat observations are joined from.
        width: numbers of a flat observation.
    """
    fits = keys == _FLAT_KEYS and width == OBSERVATION
    return ant_maze_size(env_id) if fits else None


def to_fixed_goal(episodes: Episodes, maze: str) -> Episodes:
    """Reward episodes of an ant maze for reaching its fixed goal, and end them there.

    Their own rewards are for goals that flat observations don't hold, drawn anew for
    each episode. The reward of a transition becomes 1 where it leads into the fixed
    goal of `AntMaze`, else 0; an episode that does is cut after it, as terminated.

    Args:
        episodes: with flat observations [N, 29].
        maze: "umaze", "medium" or "large".
    """
    where = find_maze(maze)
    goal = cells_to_metres(where, where.goal)
    reached = in_goal(episodes.next_observations()[:, :2], goal)
    rewarded = attrs.evolve(episodes, rewards=reached.astype(np.float32))
    return cut_at(rewarded, reached)


def cut_at(episodes: Episodes, reached: BoolArray) -> Episodes:
    """End each episode after its first marked transition [N], as terminated there.

    What an episode holds after that is left out.
    """
    starts = episodes.ends - episodes.lengths
    before: IntArray = (
        np.cumsum(reached) - reached
    )  # marked transitions before each, since the first episode
    kept: BoolArray = before == np.repeat(before[starts], episodes.lengths)
    lengths = np.add.reduceat(kept, starts, dtype=np.int64)
    last = starts + lengths - 1
    return Episodes(
        observations=episodes.observations[kept],
        actions=episodes.actions[kept],
        rewards=episodes.rewards[kept],
        ends=np.cumsum(lengths),
        terminated=episodes.terminated & (last == episodes.ends - 1) | reached[last],
        final_observations=episodes.next_observations()[last],
    )
