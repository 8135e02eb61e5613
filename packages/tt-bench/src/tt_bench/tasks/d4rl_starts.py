"""Begin episodes as D4RL's ant data begin, for a goal that stays where it is."""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from tt_bench.interface import FloatArray
from tt_bench.tasks.d4rl_ant_maze import cells_to_plane, usual_goal
from tt_bench.tasks.maze import Cell, Maze

_SHIFT = 1.0  # metres: a random start is up to so far from its cell's middle


class D4rlStarts(gym.Wrapper[FloatArray, FloatArray, FloatArray, FloatArray]):
    """Start ants in random cells, and reward all episodes for one and the same goal.

    That is the mean of the goals that the task draws. A random start is moved by up to
    1 m along either axis, as D4RL moves it.
    """

    def __init__(
        self,
        env: gym.Env[FloatArray, FloatArray],
        maze: Maze,
        cells: Sequence[Cell] = (),
    ) -> None:
        """Wrap a `D4rlAntMaze`.

        Args:
            env: the environment.
            maze: its maze, as `d4rl_maze` returns it.
            cells: where episodes start; none for where those of the task do.
        """
        super().__init__(env)
        self._goal = usual_goal(maze)
        self._starts = cells_to_plane(maze, cells) if cells else None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin an episode."""
        chosen: dict[str, Any] = {"goal": self._goal}
        if self._starts is not None:
            generator = np.random.default_rng(seed)
            middle = self._starts[generator.integers(len(self._starts))]
            chosen["start"] = middle + generator.uniform(0.0, _SHIFT, 2)
        return self.env.reset(seed=seed, options={**chosen, **(options or {})})
