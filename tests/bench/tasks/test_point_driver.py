"""The waypoint driver: it arrives from anywhere, and wanders as it is told."""

from typing import Any

import attrs
import numpy as np
import pytest

from tt_bench.tasks.maze import MAZES, cells_to_xy, distances, free_cells, xy_to_cells
from tt_bench.tasks.point_driver import DriveConfig, WaypointDriver
from tt_bench.tasks.point_maze import PointMaze

QUIET = DriveConfig(noise=0.0)


def drive(driver: WaypointDriver, env: PointMaze, steps: int, seed: int) -> list[float]:
    """Return the rewards of one episode from wherever the environment is."""
    observation = np.concatenate([env._point.data.qpos, env._point.data.qvel])
    driver.start(1, seed)
    rewards = []
    for _ in range(steps):
        action = driver.act(observation[None].astype(np.float32), np.ones(1, np.bool_))
        observation, reward, *_ = env.step(action[0])
        rewards.append(reward)
    return rewards


@pytest.mark.parametrize("maze", MAZES)
def test_it_reaches_the_goal_from_every_cell_and_stays(maze: str) -> None:
    env = PointMaze(maze)
    driver = WaypointDriver(env.maze, QUIET, wander=False)
    steps = distances(env.maze, env.maze.goal)
    for cell in free_cells(env.maze)[:: 1 if maze == "umaze" else 6].tolist():
        env.reset(seed=0, options={"cell": cell})
        time = 60 * int(steps[tuple(cell)]) + 30
        rewards = drive(driver, env, time + 20, seed=0)
        assert all(rewards[-20:]), cell


def test_rows_are_driven_independently() -> None:
    maze = MAZES["medium"]
    cells = free_cells(maze)[[0, 7, 19]]
    observations = np.hstack([cells_to_xy(maze, cells), np.ones((3, 2))])
    driver = WaypointDriver(maze, QUIET, wander=False)
    driver.start(3, 0)
    together = driver.act(observations.astype(np.float32), np.ones(3, np.bool_))
    driver.start(1, 0)
    for row in range(3):
        one = observations[row : row + 1].astype(np.float32)
        alone = driver.act(one, np.ones(1, np.bool_))
        assert (alone[0] == together[row]).all()
    assert together.dtype == np.float32
    assert np.abs(together).max() <= 1.0


def test_noise_comes_from_the_seed() -> None:
    driver = WaypointDriver(MAZES["umaze"], DriveConfig(), wander=True)
    observations, active = np.zeros((4, 4), np.float32) + 1, np.ones(4, np.bool_)
    actions = []
    for seed in (1, 1, 2):
        driver.start(4, seed)
        actions.append(driver.act(observations, active))
    assert (actions[0] == actions[1]).all()
    assert (actions[0] != actions[2]).any()


def test_wandering_visits_every_cell() -> None:
    env = PointMaze("umaze")
    driver = WaypointDriver(env.maze, DriveConfig(), wander=True)
    observation, _ = env.reset(seed=0)
    driver.start(1, 0)
    seen = set()
    for _ in range(2500):
        action = driver.act(observation[None], np.ones(1, np.bool_))
        observation, *_ = env.step(action[0])
        seen.add(tuple(xy_to_cells(env.maze, observation[:2]).tolist()))
    assert seen == set(map(tuple, free_cells(env.maze).tolist()))


def test_random_goals_are_within_reach() -> None:
    maze = MAZES["large"]
    driver = WaypointDriver(maze, DriveConfig(reach=3), wander=True)
    driver.start(1, 0)
    here = distances(maze, (3, 3))
    goals = [driver._route.draw_goal(cells_to_xy(maze, (3, 3))) for _ in range(200)]
    apart = here[tuple(xy_to_cells(maze, np.array(goals)).T)]
    assert set(apart.tolist()) == {1, 2, 3}


def test_a_goal_is_replaced_on_arrival_and_only_then() -> None:
    maze = MAZES["umaze"]
    driver = WaypointDriver(maze, DriveConfig(noise=0.0), wander=True)
    driver.start(2, 0)
    place = np.zeros((2, 4), np.float32)
    place[:, :2] = cells_to_xy(maze, (3, 2))
    driver.act(place, np.array([True, False]))
    first = driver._route.goals.copy()
    driver.act(place, np.array([True, False]))
    assert (driver._route.goals == first).all()
    place[0, :2] = first[0]
    driver.act(place, np.array([True, False]))
    assert (driver._route.goals[0] != first[0]).any()
    assert (driver._route.goals[1] == first[1]).all()


@pytest.mark.parametrize(
    "changes", [{"speed": 0.0}, {"speed": 6.0}, {"noise": -1.0}, {"reach": 0}]
)
def test_bad_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        attrs.evolve(QUIET, **changes)
