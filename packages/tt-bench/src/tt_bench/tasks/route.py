"""Lead points through a maze from goal to goal, along shortest paths of cells."""

import numpy as np
from numpy.typing import NDArray

from tt_bench.interface import BoolArray
from tt_bench.tasks.maze import (
    Maze,
    cells_to_xy,
    distances,
    free_cells,
    next_cells,
    xy_to_cells,
)


class Route:
    """Tell a row of points where to go next: to the maze's goal, or to random ones.

    Places are in cells, as those of `tt_bench.tasks.maze`.
    """

    def __init__(
        self,
        maze: Maze,
        *,
        wander: bool,
        arrival: float,
        spread: float,
        reach: int | None = None,
        home: float = 0.0,
    ) -> None:
        """Tabulate the shortest paths.

        Args:
            maze: where to go.
            wander: lead to one random goal after another, not to that of the maze.
            arrival: a random goal nearer than this is replaced.
            spread: half-width of the square around the middle of its cell that a
                random goal is drawn from.
            reach: random goals lie at most so many cells from the point; None for
                anywhere.
            home: probability that a random goal is that of the maze after all.
        """
        self._maze, self._wander, self._arrival = maze, wander, arrival
        self._spread, self._reach, self._home = spread, reach, home
        self._next = next_cells(maze)
        self._free = free_cells(maze)
        self._apart = {
            (row, column): distances(maze, (row, column))[tuple(self._free.T)]
            for row, column in self._free.tolist()
        }
        self.goals = np.zeros((0, 2))

    def start(self, count: int, generator: np.random.Generator) -> None:
        """Begin `count` ways."""
        self._generator = generator
        self.goals = np.tile(cells_to_xy(self._maze, self._maze.goal), (count, 1))
        self._fresh = np.full(count, self._wander)

    def targets(
        self, places: NDArray[np.float64], active: BoolArray
    ) -> tuple[NDArray[np.float64], BoolArray]:
        """Return where to head now [E, 2], and whether that is the goal itself [E]."""
        if self._wander:
            self._replace_goals(places, active)
        here = xy_to_cells(self._maze, places)
        goal = xy_to_cells(self._maze, self.goals)
        ahead = self._next[goal[:, 0], goal[:, 1], here[:, 0], here[:, 1]]
        last = (here == goal).all(axis=1)
        targets = np.where(last[:, None], self.goals, cells_to_xy(self._maze, ahead))
        return targets, last

    def _replace_goals(self, places: NDArray[np.float64], active: BoolArray) -> None:
        near = np.linalg.norm(self.goals - places, axis=1) < self._arrival
        for row in np.flatnonzero((near | self._fresh) & active):
            self.goals[row] = self.draw_goal(places[row])
            self._fresh[row] = False

    def draw_goal(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """Draw a goal for a point at a place [2]: [2]."""
        if self._home and self._generator.random() < self._home:
            return cells_to_xy(self._maze, self._maze.goal)
        cells = self._free
        if self._reach is not None:
            row, column = xy_to_cells(self._maze, place).tolist()
            apart = self._apart[row, column]
            cells = cells[(apart > 0) & (apart <= self._reach)]
        middle = cells_to_xy(self._maze, cells[self._generator.integers(len(cells))])
        spread = self._spread
        goal: NDArray[np.float64] = middle + self._generator.uniform(-spread, spread, 2)
        return goal
