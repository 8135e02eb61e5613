"""Collect in a goal-terminating maze so that no episode shows the whole way."""

from typing import Any

import gymnasium as gym
import numpy as np

from tt_bench.interface import FloatArray
from tt_bench.tasks.maze import Maze, distances, draw_start, xy_to_cells


class HalfWays(gym.Wrapper[FloatArray, FloatArray, FloatArray, FloatArray]):
    """Start anywhere in a point maze and never lead from its start to its goal.

    An episode that has been in the start cell is truncated when it enters the half of
    the way nearer to the goal: cells with at most half as many steps to the goal as
    the start cell has. What leads on from there is only in other episodes.
    """

    def __init__(self, env: gym.Env[FloatArray, FloatArray], maze: Maze) -> None:
        """Wrap a point maze."""
        super().__init__(env)
        self._maze = maze
        self._distances = distances(maze, maze.goal)
        self._half = self._distances[maze.start] // 2
        self._been_at_start = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin in a random free cell other than the goal."""
        cell = draw_start(self._maze, np.random.default_rng(seed))
        observation, info = self.env.reset(
            seed=seed, options={**(options or {}), "cell": cell}
        )
        self._been_at_start = False
        self._half_way_passed(observation)
        return observation, info

    def step(
        self, action: FloatArray
    ) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        """Step, and cut the episode where it would show the whole way."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        truncated = truncated or self._half_way_passed(observation)
        return observation, float(reward), terminated, truncated, info

    def _half_way_passed(self, observation: FloatArray) -> bool:
        row, column = xy_to_cells(self._maze, observation[:2]).tolist()
        self._been_at_start |= (row, column) == self._maze.start
        return self._been_at_start and bool(self._distances[row, column] <= self._half)
