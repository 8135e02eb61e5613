"""The controller of D4RL's ant, and how it is led through a maze."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from tt_bench.tasks.ant_driver import AntDriver, WalkConfig, load_weights, walk
from tt_bench.tasks.d4rl_ant_maze import (
    D4rlAntMaze,
    cells_to_plane,
    d4rl_maze,
    turn_over,
    usual_goal,
)
from tt_bench.tasks.d4rl_starts import D4rlStarts
from tt_bench.tasks.maze import MAZES, in_goal

UMAZE, MEDIUM = d4rl_maze("umaze"), d4rl_maze("medium")
ACTIVE = np.ones(1, np.bool_)


@pytest.mark.parametrize("heading", [0.0, 2.0, -1.3])
def test_the_controller_walks_along_the_heading(heading: float) -> None:
    env = D4rlAntMaze("large")
    seen, _ = env.reset(seed=1, options={"start": (4.0, 0.0)})
    model = env._ant.model
    wall = (model.geom_size == [2.0, 2.0, 1.0]).all(axis=1)
    model.geom_contype[wall] = model.geom_conaffinity[wall] = 0  # walk through them
    headings, start = np.array([heading]), seen[:2]
    for _ in range(50):
        seen, *_ = env.step(walk(seen[None, 2:], headings, load_weights())[0])
    way = seen[:2] - start
    along = way @ [np.cos(heading), np.sin(heading)]
    across = way @ [-np.sin(heading), np.cos(heading)]
    assert along / 5.0 > 1.0  # metres a second
    assert abs(across) < 0.4 * along


def test_the_controller_sees_the_world_turned_by_the_heading() -> None:
    """Turn an ant and its heading by the same angle: the torques stay."""
    generator = np.random.default_rng(0)
    ants = generator.normal(size=(5, 27))
    ants[:, 1:5] /= np.linalg.norm(ants[:, 1:5], axis=1, keepdims=True)
    turned, angle = ants.copy(), 1.1
    cos, sin = np.cos(angle / 2), np.sin(angle / 2)
    w, x, y, z = ants[:, 1:5].T
    turned[:, 1:5] = np.stack(
        [cos * w - sin * z, cos * x - sin * y, cos * y + sin * x, cos * z + sin * w],
        axis=1,
    )
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned[:, 13:15] = ants[:, 13:15] @ turn.T
    headings = generator.uniform(-3, 3, 5)
    before = walk(ants, headings, load_weights())
    after = walk(turned, headings + angle, load_weights())
    np.testing.assert_allclose(before, after, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_driver_walks_from_cell_to_cell_to_the_goal(seed: int) -> None:
    env = gym.make("tt/AntMaze-UMaze-D4RL-v2")
    observation, _ = env.reset(seed=seed)
    driver = AntDriver(UMAZE, WalkConfig(), goals=(UMAZE.goal,))
    driver.start(1, seed)
    over = terminated = False
    while not over:
        action = driver.act(observation[None], ACTIVE)[0]
        observation, _, terminated, truncated, _ = env.step(action)
        over = terminated or truncated
    assert terminated
    assert in_goal(observation[:2], env.unwrapped.goal)  # type: ignore[attr-defined]


def goals(driver: AntDriver, count: int) -> Any:
    """Draw goals, in metres from the start: [count, 2]."""
    driver.start(1, 0)
    route = driver._route
    drawn = np.array([route.draw_goal(np.zeros(2)) for _ in range(count)])
    return 4.0 * drawn - driver._origin


def test_goals_are_moved_from_the_middle_of_their_cells_as_d4rl_moves_them() -> None:
    drawn = goals(AntDriver(UMAZE, WalkConfig(), goals=(UMAZE.goal,)), 300)
    away = drawn - np.array([0.0, 8.0])
    assert away.min() >= 0.0
    assert 1.3 < away.max() <= 1.5
    np.testing.assert_allclose(drawn.mean(axis=0), usual_goal(UMAZE), atol=0.07)


def test_a_share_of_the_goals_is_in_the_cell_of_the_tasks() -> None:
    drawn = goals(AntDriver(MEDIUM, WalkConfig(home=0.2)), 400)
    middles = np.floor((drawn + 2.0) / 4.0) * 4.0  # shifts are within the cell
    cells = {tuple(cell) for cell in middles.tolist()}
    assert len(cells) == sum(row.count(".") for row in MEDIUM.rows)
    home = (middles == cells_to_plane(MEDIUM, MEDIUM.goal)).all(axis=1).mean()
    assert 0.15 < home < 0.3


@pytest.mark.parametrize("changes", [{"noise": -1.0}, {"home": 2.0}, {"arrival": 0.0}])
def test_bad_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        WalkConfig(**changes)


def test_cells_of_d4rls_map_lie_in_its_plane() -> None:
    large = d4rl_maze("large")
    cells = [turn_over(large, cell) for cell in ((1, 1), (7, 9), (3, 5))]
    places = cells_to_plane(large, cells)
    assert places.tolist() == [[0.0, 0.0], [32.0, 24.0], [16.0, 8.0]]
    for (row, column), cell in zip(((1, 1), (7, 9), (3, 5)), cells, strict=True):
        assert MAZES["large"].rows[row][column] == large.rows[cell[0]][cell[1]]


def test_episodes_start_in_random_cells_for_one_goal() -> None:
    inner = D4rlAntMaze("umaze")
    starts = (UMAZE.start, turn_over(UMAZE, (1, 3)))
    env = D4rlStarts(inner, UMAZE, starts)
    places = []
    for seed in range(40):
        places.append(env.reset(seed=seed)[0][:2])
        assert inner.goal.tolist() == [0.75, 8.75]
    found = np.array(places)
    right = found[:, 0] > 4.0
    assert 0.2 < right.mean() < 0.8
    away = found - np.where(right[:, None], [8.0, 0.0], [0.0, 0.0])
    assert away.min() >= -0.1
    assert 0.8 < away.max() <= 1.1
    assert (env.reset(seed=3)[0][:2] == found[3]).all()
    fixed = D4rlStarts(inner, UMAZE)
    assert np.abs(fixed.reset(seed=0)[0][:2]).max() <= 0.1
    assert inner.goal.tolist() == [0.75, 8.75]
