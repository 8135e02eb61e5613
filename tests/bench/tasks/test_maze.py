"""Mazes: coordinates, distances and paths."""

from typing import Any

import attrs
import numpy as np
import pytest

from tt_bench.tasks.maze import (
    MAZES,
    Maze,
    cells_to_xy,
    distances,
    find_maze,
    free_cells,
    next_cells,
    shortest_path,
    xy_to_cells,
)
from tt_bench.tasks.robotics import import_robotics

UMAZE = MAZES["umaze"]


@pytest.mark.parametrize(
    ("maze", "there"),
    [("umaze", "U_MAZE"), ("medium", "MEDIUM_MAZE"), ("large", "LARGE_MAZE")],
)
def test_the_maps_are_those_of_gymnasium_robotics(maze: str, there: str) -> None:
    maps = import_robotics("gymnasium_robotics.envs.maze.maps")
    walls = [[int(square == "#") for square in row] for row in MAZES[maze].rows]
    assert walls == getattr(maps, there)


def test_coordinates_are_those_of_gymnasium_robotics() -> None:
    module = import_robotics("gymnasium_robotics.envs.maze.maze_v4")
    for maze in MAZES.values():
        theirs = module.Maze([list(row) for row in maze.rows], 1.0, 0.4)
        for cell in free_cells(maze):
            xy = theirs.cell_rowcol_to_xy(cell)
            assert cells_to_xy(maze, cell).tolist() == xy.tolist()
            near = xy + np.array([0.4, -0.4])
            assert xy_to_cells(maze, near).tolist() == cell.tolist()


def test_points_outside_get_the_nearest_border_cell() -> None:
    assert xy_to_cells(UMAZE, [[-9.0, 0.0], [0.0, 9.0]]).tolist() == [[2, 0], [0, 2]]


def test_the_way_through_the_u_by_hand() -> None:
    path = shortest_path(UMAZE, (3, 1), (1, 1)).tolist()
    assert path == [[3, 1], [3, 2], [3, 3], [2, 3], [1, 3], [1, 2], [1, 1]]
    assert distances(UMAZE, (1, 1))[3].tolist() == [-1, 6, 5, 4, -1]


def test_following_the_table_takes_as_many_steps_as_the_distance() -> None:
    for maze in MAZES.values():
        table = next_cells(maze)
        for goal in map(tuple, free_cells(maze)[::5].tolist()):
            steps = distances(maze, goal)
            for start in map(tuple, free_cells(maze).tolist()):
                cell, taken = start, 0
                while cell != goal:
                    cell, taken = tuple(table[(*goal, *cell)].tolist()), taken + 1
                assert (
                    taken == steps[start] == len(shortest_path(maze, start, goal)) - 1
                )


def test_the_goal_is_far_from_the_start() -> None:
    apart = {
        maze.name: int(distances(maze, maze.goal)[maze.start])
        for maze in MAZES.values()
    }
    assert apart == {"umaze": 6, "medium": 10, "large": 14}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": ("###", "#.#", "####")}, "rows of equal length"),
        ({"rows": ("###", "#..", "###")}, "border of '#'"),
        ({"start": (0, 0)}, "free cell"),
        ({"goal": (9, 9)}, "expected a cell"),
        ({"steps": 0}, "steps"),
    ],
)
def test_a_bad_maze_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        attrs.evolve(UMAZE, **changes)


def test_cells_without_a_way_are_refused() -> None:
    maze = Maze("split", ("#####", "#.#.#", "#####"), (1, 1), (1, 1), 10)
    with pytest.raises(ValueError, match="no path"):
        shortest_path(maze, (1, 1), (1, 3))
    with pytest.raises(ValueError, match="umaze"):
        find_maze("split")
