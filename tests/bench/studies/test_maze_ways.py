import numpy as np
import pytest

from tt_bench.studies.maze_ways import way_lengths, ways_to_goal
from tt_bench.tasks.maze import MAZES
from tt_bench.tasks.maze_map import MazeMap

OPEN = MazeMap(("#####", "#...#", "#...#", "#...#", "#####"), 2.0, (0.0, 0.0))


def test_ways_in_the_open_are_straight_lines() -> None:
    lengths = ways_to_goal(OPEN, radius=0.2)
    xy = np.array([[2.0, 0.0], [2.0, 2.0], [-2.0, 1.0], [0.05, 0.05]], np.float32)
    straight = np.linalg.norm(xy, axis=1) - 0.2
    found = way_lengths(OPEN, lengths, xy)
    assert found[:3] == pytest.approx(straight[:3], rel=0.03, abs=0.15)
    assert found[3] == 0.0


def test_ways_go_around_walls() -> None:
    umaze = MAZES["umaze"]
    maze = MazeMap(umaze.rows, 1.0, (-1.0, 1.0))  # the upper left cell
    lengths = ways_to_goal(maze, radius=0.5)
    below = np.array([[-1.0, -1.0]], np.float32)  # two cells below, behind the wall
    # along the corridor's inner corners, (0.5, -0.5) and (0.5, 0.5)
    around = 2 * np.hypot(1.5, 0.5) + 1.0 - 0.5
    assert way_lengths(maze, lengths, below)[0] == pytest.approx(around, rel=0.1)


def test_walls_have_no_way() -> None:
    lengths = ways_to_goal(OPEN, radius=0.2)
    assert np.isinf(way_lengths(OPEN, lengths, np.array([[4.5, 0.0]], np.float32)))[0]
