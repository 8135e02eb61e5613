"""Pictures of plans in mazes: the map, the values over it, the ways in it."""

from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import Circle

from tt_bench.evaluation.rollout import Foreseen, Rollout
from tt_bench.interface import FloatArray
from tt_bench.report.figure import new_figure, save_figure
from tt_bench.report.maze_picture import draw_maze
from tt_bench.studies.maze_plans import complete, value_map
from tt_bench.tasks.maze import MAZES, cells_to_xy, free_cells, xy_to_cells
from tt_bench.tasks.maze_map import MazeMap, find_map, grid, visited, walls
from tt_bench.tasks.point_maze import PointMaze
from tt_bench.tasks.robotics import import_robotics

UMAZE = MazeMap(MAZES["umaze"].rows, 1.0, (-1.0, 1.0))


def wide(x: float, y: float) -> list[float]:
    return [x, y, 10 * x, 10 * y, 7.0]


def rollout_of(plan: FloatArray) -> Rollout:
    way = np.linspace([-1, -1, 0, 0], [1, -1, 0, 0], 6).astype(np.float32)
    rewards = np.zeros(plan.shape[:2], np.float32)
    return Rollout(way, np.ones(5, np.float32), (Foreseen(0, plan, rewards),))


PLAN = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 3, 4)


def draw(path: Path, values: FloatArray) -> None:
    rollouts = {"left": rollout_of(PLAN), "right": rollout_of(PLAN)}
    draw_maze(UMAZE, values, rollouts, path, title="a $ b_c", values_name="V")


EVERYWHERE = np.pad(grid(UMAZE, 8).reshape(-1, 2), ((0, 0), (0, 2)))  # at rest


def values_of(value: Any, observations: FloatArray = EVERYWHERE) -> FloatArray:
    found: FloatArray = value_map(UMAZE, value, observations)
    return found


def test_the_map_of_a_maze_made_here() -> None:
    env = PointMaze("umaze")
    env.reset(seed=0)
    assert find_map(env) == UMAZE
    assert find_map(gym.make("CartPole-v1")) is None


def test_the_map_of_an_ant_maze_is_four_times_as_large() -> None:
    import_robotics()
    env = gym.make("AntMaze_UMaze-v5")
    observation, _ = env.reset(seed=3)
    found = find_map(env)
    env.close()
    assert found is not None
    assert found.scale == 4.0
    assert found.radius == 0.45  # gymnasium-robotics' own
    assert found.extent == (-10.0, 10.0, -10.0, 10.0)
    assert found.rows == UMAZE.rows
    np.testing.assert_array_equal(found.goal, observation["desired_goal"])


@pytest.mark.parametrize("name", MAZES)
def test_the_grid_and_its_walls_lie_where_the_cells_do(name: str) -> None:
    maze = MAZES[name]
    found = MazeMap(maze.rows, 1.0, (0.0, 0.0))
    cells = xy_to_cells(maze, grid(found, 3)[~walls(found, 3)])
    assert {*map(tuple, cells.tolist())} == {*map(tuple, free_cells(maze).tolist())}
    middles = grid(found, 3)[1::3, 1::3]
    rows, columns = np.indices(middles.shape[:2])
    expected = cells_to_xy(maze, np.stack([rows, columns], axis=-1))
    np.testing.assert_allclose(middles, expected, atol=1e-6)


def test_values_are_those_of_their_places_at_rest_and_none_in_walls() -> None:
    def value(places: FloatArray) -> torch.Tensor:
        assert not places[:, 2:].any()
        return torch.from_numpy(places[:, 0] + 10 * places[:, 1])

    found = values_of(value)
    fineness = len(found) // 5
    np.testing.assert_array_equal(np.isnan(found), walls(UMAZE, fineness))
    places = grid(UMAZE, fineness)[~np.isnan(found)]
    expected = places[:, 0] + 10 * places[:, 1]
    np.testing.assert_array_equal(found[~np.isnan(found)], expected)


def test_there_are_no_values_where_the_data_is_not() -> None:
    seen = np.array([[-1.0, -1.0], [0.49, 1.2], [9.0, 9.0]], np.float32)
    found = values_of(
        lambda places: torch.from_numpy(places[:, 0]), np.pad(seen, ((0, 0), (0, 2)))
    )
    places = grid(UMAZE, len(found) // 5)[~np.isnan(found)]
    # boxes an eighth wide from the left and the top edge of the map, at -2.5 and 2.5
    left, top = (-1.0, 0.375), (-1.0, 1.25)
    boxes = [
        (places[:, 0] > x)
        & (places[:, 0] < x + 0.125)
        & (places[:, 1] < y)
        & (places[:, 1] > y - 0.125)
        for x, y in zip(left, top, strict=True)
    ]
    assert all(box.sum() == (len(found) / 40) ** 2 for box in boxes)
    assert sum(map(np.sum, boxes)) == len(places)


def test_a_goal_that_ends_episodes_has_no_values() -> None:
    away = np.hypot(EVERYWHERE[:, 0] + 1, EVERYWHERE[:, 1] - 1)
    found = values_of(
        lambda places: torch.from_numpy(places[:, 0]), EVERYWHERE[away > 0.5]
    )
    places = grid(UMAZE, len(found) // 5)
    near = np.hypot(places[..., 0] + 1, places[..., 1] - 1)
    assert np.isnan(found[near < 0.4]).all()
    assert not np.isnan(found[(near > 0.6) & ~walls(UMAZE, len(found) // 5)]).any()
    assert not visited(UMAZE, 8, EVERYWHERE[:0, :2]).any()


def test_larger_observations_are_completed_from_the_nearest() -> None:
    known = np.array([wide(0, 0), wide(1, 0), wide(0, 1)], np.float32)
    xy = np.array([[0.9, 0.1], [0.1, 0.2]], np.float32)
    full = complete(xy, known)
    np.testing.assert_array_equal(full[:, :2], xy)
    np.testing.assert_array_equal(full[:, 2:], [[10, 0, 7], [0, 0, 7]])


def test_the_picture_is_a_png_of_its_size(tmp_path: Path) -> None:
    path = tmp_path / "new" / "plan.png"
    draw(path, values_of(lambda places: torch.zeros(len(places))))
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    height, width, _ = imread(path).shape
    assert width == 1200
    assert 400 < height < 900


def test_panels_share_colours_and_hold_the_plan_where_it_was_made(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    values = values_of(lambda places: torch.from_numpy(places[:, 0]))
    draw(tmp_path / "plan.png", values)
    left, right, bar = drawn[0].axes
    assert bar.get_ylabel() == "V"
    assert left.images[1].get_clim() == right.images[1].get_clim()
    for panel in (left, right):
        ground, image = panel.images
        assert tuple(ground.get_extent()) == UMAZE.extent
        np.testing.assert_array_equal(ground.get_array(), walls(UMAZE, 1))
        assert tuple(image.get_extent()) == UMAZE.extent
        shown = np.ma.getmaskarray(np.ma.asarray(image.get_array()))
        np.testing.assert_array_equal(shown, np.isnan(values))
        lines = [np.asarray(line.get_xydata()) for line in panel.lines]
        for sequence in PLAN:
            assert any(np.array_equal(line, sequence[:, :2]) for line in lines)
        assert any(np.array_equal(line, [[-1, 1]]) for line in lines), "no goal"
        (reach,) = panel.patches
        assert isinstance(reach, Circle)
        assert (reach.center, reach.radius) == (UMAZE.goal, 0.5)


@pytest.mark.parametrize(("planned", "known"), [(True, True), (False, False)])
def test_the_legend_names_what_is_drawn_and_no_more(
    planned: bool, known: bool, tmp_path: Path, drawn: list[Figure]
) -> None:
    values = values_of(lambda places: torch.zeros(len(places)))
    if not known:
        inside = len(values) // 5  # from there on the first free cell lies
        values[inside : inside + 4, inside : inside + 4] = np.nan
    rollout = rollout_of(PLAN)
    plain = attrs.evolve(rollout, plans=())
    rollouts = {"iql": plain, "tt+q": rollout if planned else plain}
    draw_maze(UMAZE, values, rollouts, tmp_path / "x.png", title="", values_name="V")
    named = [text.get_text() for text in drawn[0].legends[0].get_texts()]
    always = {"executed", "start", "goal", "within the goal"}
    plans = {"best plan", "other beams"} if planned else set()
    assert {*named} == always | plans | (set() if known else {"not known"})
    assert len(named) == len({*named})


def test_an_error_leaves_the_old_picture_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plan.png"
    path.write_bytes(b"old")

    def break_off(_: Figure, file: Path, **__: Any) -> None:
        file.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", break_off)
    with pytest.raises(OSError, match="disk full"):
        save_figure(new_figure(200, 100), path)
    assert [found.name for found in tmp_path.iterdir()] == ["plan.png"]
    assert path.read_bytes() == b"old"
