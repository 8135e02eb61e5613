"""Lead points through a maze from goal to goal, along shortest paths of cells."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
        cells: ArrayLike | None = None,
        shifts: Sequence[float] = (),
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
            home: probability that a random goal is in the cell of the maze's.
            cells: that random goals are in, [C, 2] (row, column); None for all.
            shifts: largest of further uniform draws, from 0, that are added to a
                random goal on each axis.
        """
        self._maze, self._wander, self._arrival = maze, wander, arrival
        self._spread, self._reach, self._home = spread, reach, home
        self._shifts = shifts
        self._next = next_cells(maze)
        self._free = free_cells(maze)
        self._cells = self._free if cells is None else np.asarray(cells, np.int64)
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
        cells = self._choices(place)
        middle = cells_to_xy(self._maze, cells[self._generator.integers(len(cells))])
        spread = self._spread
        goal: NDArray[np.float64] = middle + self._generator.uniform(-spread, spread, 2)
        for most in self._shifts:
            goal += self._generator.uniform(0.0, most, 2)
        return goal

    def _choices(self, place: NDArray[np.float64]) -> NDArray[np.int64]:
        """List the cells that the goal of a point at a place [2] may be in: [C, 2]."""
        if self._home and self._generator.random() < self._home:
            return np.array([self._maze.goal])
        if self._reach is None:
            return self._cells
        row, column = xy_to_cells(self._maze, place).tolist()
        apart = self._apart[row, column]
        near: NDArray[np.int64] = self._free[(apart > 0) & (apart <= self._reach)]
        return near
