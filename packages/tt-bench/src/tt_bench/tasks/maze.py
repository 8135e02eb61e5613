"""Mazes of square cells one unit wide: their maps, their coordinates, their paths.

A cell is (row, column) from the upper left; the origin of the plane is the middle of
the map, x points right and y up, as in gymnasium-robotics.
"""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

Cell = tuple[int, int]

SUCCESS_RADIUS = 0.5
"""Nearer than this to a goal is in it, in the units of the task's observations."""

TITLES: Mapping[str, str] = MappingProxyType(
    {"umaze": "UMaze", "medium": "Medium", "large": "Large"}
)
"""What D4RL's mazes are called in Gymnasium's ids."""

_STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))


def _check_rows(_: "Maze", __: object, rows: tuple[str, ...]) -> None:
    border = rows[0] + rows[-1] + "".join(row[0] + row[-1] for row in rows)
    if len({len(row) for row in rows}) != 1 or set(border) != {"#"}:
        raise ValueError(
            f"expected rows of equal length inside a border of '#', got {rows}: "
            "draw walls as '#' and free cells as '.'"
        )


def _check_free(maze: "Maze", _: object, cell: Cell) -> None:
    row, column = cell
    if not (0 <= row < len(maze.rows) and 0 <= column < len(maze.rows[0])):
        raise ValueError(f"expected a cell of maze {maze.name!r}, got {cell}")
    if maze.rows[row][column] == "#":
        raise ValueError(f"expected a free cell of maze {maze.name!r}, got {cell}")


@attrs.frozen
class Maze:
    """Describe a maze and the task in it.

    Attributes:
        name: what the maze is called.
        rows: the map, '#' for a wall and '.' for a free cell.
        start: where the goal-terminating task begins.
        goal: the cell whose middle is the goal of both tasks.
        steps: time limit of an episode.
    """

    name: str
    rows: tuple[str, ...] = attrs.field(validator=_check_rows)
    start: Cell = attrs.field(validator=_check_free)
    goal: Cell = attrs.field(validator=_check_free)
    steps: int = attrs.field(validator=attrs.validators.gt(0))


_UMAZE = ("#####", "#...#", "###.#", "#...#", "#####")
_MEDIUM = (
    "########",
    "#..##..#",
    "#..#...#",
    "##...###",
    "#..#...#",
    "#.#..#.#",
    "#...#..#",
    "########",
)
_LARGE = (
    "############",
    "#....#.....#",
    "#.##.#.#.#.#",
    "#......#...#",
    "#.####.###.#",
    "#..#.#.....#",
    "##.#.#.#.###",
    "#..#...#...#",
    "############",
)

MAZES: Mapping[str, Maze] = MappingProxyType(
    {
        "umaze": Maze("umaze", _UMAZE, start=(3, 1), goal=(1, 1), steps=300),
        "medium": Maze("medium", _MEDIUM, start=(1, 1), goal=(6, 6), steps=600),
        "large": Maze("large", _LARGE, start=(1, 1), goal=(7, 9), steps=800),
    }
)
"""D4RL's mazes, by their names."""

_FOUR_ROOMS = (
    "#########",
    "#...#...#",
    "#.......#",
    "#...#...#",
    "##.###.##",
    "#...#...#",
    "#.......#",
    "#...#...#",
    "#########",
)
FOUR_ROOMS = Maze("fourrooms", _FOUR_ROOMS, start=(1, 1), goal=(7, 7), steps=500)
"""Rooms in a ring: two ways lead to the opposite one."""

_EVERY = {**MAZES, FOUR_ROOMS.name: FOUR_ROOMS}


def find_maze(name: str) -> Maze:
    """Return a maze by its name.

    Raises:
        ValueError: if there is no such maze.
    """
    if name not in _EVERY:
        raise ValueError(f"expected a maze of {sorted(_EVERY)}, got {name!r}")
    return _EVERY[name]


def free_cells(maze: Maze) -> NDArray[np.int64]:
    """List the cells without a wall, row by row: [C, 2]."""
    return np.argwhere(np.array([list(row) for row in maze.rows]) != "#")


def check_free_cell(maze: Maze, chosen: Any) -> NDArray[np.int64]:
    """Return a chosen cell [2] as an array.

    Raises:
        ValueError: if it is not a free cell of the maze.
    """
    cell = np.asarray(chosen, dtype=np.int64)
    if cell.shape != (2,) or not (free_cells(maze) == cell).all(axis=1).any():
        raise ValueError(
            f"expected a free cell (row, column) of maze {maze.name!r}, got {chosen}"
        )
    return cell


def draw_start(maze: Maze, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw a free cell other than the goal's: [2]."""
    cells = free_cells(maze)
    cells = cells[(cells != maze.goal).any(axis=1)]
    drawn: NDArray[np.int64] = cells[generator.integers(len(cells))]
    return drawn


def in_goal(places: ArrayLike, goal: ArrayLike) -> NDArray[np.bool_]:
    """Say which places are within `SUCCESS_RADIUS` of a goal: [..., 2] to [...]."""
    away: NDArray[np.float64] = np.asarray(places, np.float64) - np.asarray(goal)
    return np.asarray(np.hypot(away[..., 0], away[..., 1]) <= SUCCESS_RADIUS)


def cells_to_xy(maze: Maze, cells: ArrayLike) -> NDArray[np.float64]:
    """Return the middle of each cell: [..., 2] (row, column) to [..., 2] (x, y)."""
    row, column = np.moveaxis(np.asarray(cells), -1, 0)
    height, width = len(maze.rows), len(maze.rows[0])
    return np.stack([column + 0.5 - width / 2, height / 2 - row - 0.5], axis=-1)


def xy_to_cells(maze: Maze, xy: ArrayLike) -> NDArray[np.int64]:
    """Return the cell each point lies in: [..., 2] (x, y) to [..., 2] (row, column).

    Points outside the map get the nearest cell of its border.
    """
    x, y = np.moveaxis(np.asarray(xy), -1, 0)
    height, width = len(maze.rows), len(maze.rows[0])
    row = np.clip(np.floor(height / 2 - y), 0, height - 1)
    column = np.clip(np.floor(x + width / 2), 0, width - 1)
    return np.stack([row, column], axis=-1).astype(np.int64)


def distances(maze: Maze, goal: Cell) -> NDArray[np.int64]:
    """Count the steps between cells from every cell to the goal: [rows, columns].

    Walls and cells without a way to the goal get -1.
    """
    _check_free(maze, None, goal)
    steps = np.full((len(maze.rows), len(maze.rows[0])), -1)
    steps[goal] = 0
    queue = deque([goal])
    while queue:
        cell = queue.popleft()
        for neighbour in _neighbours(maze, cell):
            if steps[neighbour] < 0:
                steps[neighbour] = steps[cell] + 1
                queue.append(neighbour)
    return steps


def _neighbours(maze: Maze, cell: Cell) -> list[Cell]:
    around = [(cell[0] + down, cell[1] + right) for down, right in _STEPS]
    return [(row, column) for row, column in around if maze.rows[row][column] != "#"]


def _closest(maze: Maze, cell: Cell, steps: NDArray[np.int64]) -> Cell:
    return min(_neighbours(maze, cell), key=lambda near: steps[near])


def next_cells(maze: Maze) -> NDArray[np.int64]:
    """Tabulate the first step of a shortest path: [rows, columns, rows, columns, 2].

    Entry [goal row, goal column, row, column] is the cell to enter next; the goal
    itself, walls and cells without a way lead to themselves.
    """
    shape = (len(maze.rows), len(maze.rows[0]))
    stay = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    table = np.broadcast_to(stay, (*shape, *shape, 2)).copy()
    for row, column in free_cells(maze).tolist():
        steps = distances(maze, (row, column))
        for here, there in np.argwhere(steps > 0).tolist():
            table[row, column, here, there] = _closest(maze, (here, there), steps)
    return table


def shortest_path(maze: Maze, start: Cell, goal: Cell) -> NDArray[np.int64]:
    """Return the cells of a shortest path, both ends included: [L, 2].

    Raises:
        ValueError: if an end is not a free cell or no path joins them.
    """
    _check_free(maze, None, start)
    steps = distances(maze, goal)
    if steps[start] < 0:
        raise ValueError(f"expected joined cells, got no path from {start} to {goal}")
    path = [start]
    while path[-1] != goal:
        path.append(_closest(maze, path[-1], steps))
    return np.array(path)
