"""The walls and the goal of an environment that is a maze, in its coordinates.

A row of the map lies above the next, x points right and y up.
"""

from typing import Any

import attrs
import gymnasium
import numpy as np
from numpy.typing import NDArray

from tt_bench.interface import FloatArray, MakeEnv
from tt_bench.tasks.d4rl_ant_maze import D4rlAntMaze, usual_goal
from tt_bench.tasks.maze import SUCCESS_RADIUS, Maze, cells_to_xy

_ROBOTICS_RADIUS = 0.45  # of the goals of gymnasium-robotics
_BOXES = 8  # a cell, along each axis


@attrs.frozen
class MazeMap:
    """Describe a maze as it lies in the plane.

    Attributes:
        rows: the map, '#' for a wall and '.' for a free cell.
        scale: side of a cell.
        goal: (x, y).
        radius: within which of it a place is in the goal.
        middle: (x, y) of the middle of the map.
    """

    rows: tuple[str, ...]
    scale: float
    goal: tuple[float, float]
    radius: float = SUCCESS_RADIUS
    middle: tuple[float, float] = (0.0, 0.0)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top edge."""
        x, y = self.middle
        right = len(self.rows[0]) * self.scale / 2
        top = len(self.rows) * self.scale / 2
        return x - right, x + right, y - top, y + top


def find_map(env: gymnasium.Env[Any, Any]) -> MazeMap | None:
    """Read the map of a maze made here or of gymnasium-robotics; None of others.

    The environment must have been reset: some mazes choose their goal then. Of D4RL's
    ant mazes it is the one that the data made here are rewarded for.
    """
    maze: Any = getattr(env.unwrapped, "maze", None)
    if isinstance(env.unwrapped, D4rlAntMaze):
        goal, middle = _point(usual_goal(maze)), _point(env.unwrapped.middle)
        return MazeMap(maze.rows, env.unwrapped.side, goal, middle=middle)
    if isinstance(maze, Maze):
        side = float(getattr(env.unwrapped, "side", 1.0))
        return MazeMap(maze.rows, side, _point(side * cells_to_xy(maze, maze.goal)))
    if not hasattr(maze, "maze_map"):
        return None
    rows = tuple(
        "".join("#" if cell == 1 else "." for cell in row) for row in maze.maze_map
    )
    task: Any = env.unwrapped
    side = float(maze.maze_size_scaling)
    return MazeMap(rows, side, _point(task.goal), _ROBOTICS_RADIUS)


def open_maze(make_env: MakeEnv, seed: int) -> tuple[MazeMap | None, FloatArray]:
    """Reset an environment; return its map, if any, and what is seen first."""
    env = make_env()
    try:
        observation, _ = env.reset(seed=seed)
        return find_map(env), observation
    finally:
        env.close()


def _point(xy: Any) -> tuple[float, float]:
    return float(xy[0]), float(xy[1])


def grid(maze: MazeMap, fineness: int) -> NDArray[np.float32]:
    """Cover the map with points, `fineness` a cell along each axis: [Y, X, 2] (x, y).

    Each is the middle of its pixel; the first row is the top.
    """
    left, right, bottom, top = maze.extent
    columns, rows = len(maze.rows[0]) * fineness, len(maze.rows) * fineness
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = top - (np.arange(rows) + 0.5) * (top - bottom) / rows
    return np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)


def walls(maze: MazeMap, fineness: int) -> NDArray[np.bool_]:
    """Mark the points of the grid that lie in walls: [Y, X]."""
    cells: NDArray[np.bool_] = np.array([list(row) for row in maze.rows]) == "#"
    return cells.repeat(fineness, axis=0).repeat(fineness, axis=1)


def visited(maze: MazeMap, fineness: int, places: FloatArray) -> NDArray[np.bool_]:
    """Mark the points of the grid with a place [N, 2] near by: [Y, X].

    Near by is in the same of the boxes, an eighth of a cell wide, that tile the map.
    `fineness` must be a multiple of 8.
    """
    left, right, bottom, top = maze.extent
    rows, columns = (_BOXES * len(side) for side in (maze.rows, maze.rows[0]))
    down, along = top - places[:, 1], places[:, 0] - left
    edges = [(0.0, top - bottom), (0.0, right - left)]
    counts, _, _ = np.histogram2d(down, along, (rows, columns), edges)
    size = fineness // _BOXES
    found: NDArray[np.bool_] = counts > 0
    return found.repeat(size, axis=0).repeat(size, axis=1)
