"""Point mazes where the goal is seen, and pairs of cells that are never seen together.

Axes: Y and X rows and columns of a maze, N pairs of cells.
"""

from typing import Any

import gymnasium as gym
import numpy as np

from tt_bench.interface import BoolArray, FloatArray, IntArray
from tt_bench.tasks.maze import Maze, distances, free_cells
from tt_bench.tasks.point_maze import PointMaze

GOAL = 2
"""Numbers of a goal: its place."""

_APART = 4  # cells, at least, between a pair that is kept apart
_ONE_IN = 5  # such pairs

_PointEnv = gym.Env[FloatArray, FloatArray]
_Wrapper = gym.Wrapper[FloatArray, FloatArray, FloatArray, FloatArray]


def unseen_pairs(maze: Maze) -> BoolArray:
    """Choose a fifth of the distant pairs: [Y, X, Y, X], of a cell and a goal's cell.

    What learns may never see such a goal from such a cell.
    """
    rows, columns = len(maze.rows), len(maze.rows[0])
    apart = np.full((rows, columns, rows, columns), -1)
    for row, column in free_cells(maze).tolist():
        apart[..., row, column] = distances(maze, (row, column))
    chosen = np.random.default_rng(0).random(apart.shape) < 1 / _ONE_IN
    found: BoolArray = (apart >= _APART) & chosen
    return found


class SeenGoal(_Wrapper):
    """Reach a goal that is seen, from a cell that it was never seen from.

    The observation is the goal's place, then the point's place and speed. Each episode
    has one of the pairs of `unseen_pairs`.
    """

    def __init__(self, env: _PointEnv) -> None:
        """Wrap a point maze that ends in its goal.

        Raises:
            ValueError: if it is none.
        """
        super().__init__(env)
        self._maze = ending_maze(env)
        self._pairs: IntArray = np.argwhere(unseen_pairs(self._maze))
        seen: Any = env.observation_space
        low = np.concatenate([seen.low[:GOAL], seen.low])
        high = np.concatenate([seen.high[:GOAL], seen.high])
        self.observation_space = gym.spaces.Box(low, high, dtype=np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin with a pair that the seed chooses."""
        pair = self._pairs[np.random.default_rng(seed).integers(len(self._pairs))]
        chosen = {**(options or {}), "cell": pair[:2], "goal": pair[2:]}
        observation, info = self.env.reset(seed=seed, options=chosen)
        return self._with_goal(observation), info

    def step(
        self, action: FloatArray
    ) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        """Step, and put the goal in front of what is seen."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        seen = self._with_goal(observation)
        return seen, float(reward), terminated, truncated, info

    def _with_goal(self, observation: FloatArray) -> FloatArray:
        point: Any = self.env.unwrapped
        return np.concatenate([point.goal, observation], dtype=np.float32)


class Wandering(_Wrapper):
    """Start anywhere in a point maze, and never reward or end an episode."""

    def __init__(self, env: _PointEnv) -> None:
        """Wrap a point maze."""
        super().__init__(env)
        self._cells = free_cells(ending_maze(env))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin in a random free cell."""
        cell = self._cells[np.random.default_rng(seed).integers(len(self._cells))]
        return self.env.reset(seed=seed, options={**(options or {}), "cell": cell})

    def step(
        self, action: FloatArray
    ) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        """Step."""
        observation, _, _, truncated, info = self.env.step(action)
        return observation, 0.0, False, truncated, info


def ending_maze(env: gym.Env[Any, Any]) -> Maze:
    """Return the maze of a point that ends an episode in its goal.

    Raises:
        ValueError: if it is something else.
    """
    point = env.unwrapped
    if not (isinstance(point, PointMaze) and point.terminate):
        name = env.spec.id if env.spec else env
        raise ValueError(
            "expected a point maze that ends in its goal, whose goal can be moved, got "
            f"{name}: choose tt/fourrooms/wander-v0 or a tt/pointmaze/...-sparse-v0"
        )
    return point.maze
