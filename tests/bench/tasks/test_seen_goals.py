"""Goals that are seen, and pairs that are kept apart."""

import gymnasium as gym
import numpy as np
import pytest

from tt_bench.tasks.maze import (
    FOUR_ROOMS,
    MAZES,
    Maze,
    cells_to_xy,
    distances,
    free_cells,
    xy_to_cells,
)
from tt_bench.tasks.point_maze import FOUR_ROOMS_ID, PointMaze, maze_id
from tt_bench.tasks.seen_goals import SeenGoal, Wandering, ending_maze, unseen_pairs


@pytest.mark.parametrize("maze", [FOUR_ROOMS, MAZES["large"]])
def test_a_fifth_of_the_distant_pairs_are_kept_apart(maze: Maze) -> None:
    pairs = np.argwhere(unseen_pairs(maze))
    apart = [distances(maze, (y, x))[row, column] for row, column, y, x in pairs]
    assert min(apart) >= 4
    cells = [(row, column) for row, column in free_cells(maze).tolist()]
    distant = sum(int((distances(maze, cell) >= 4).sum()) for cell in cells)
    assert 0.17 < len(pairs) / distant < 0.23


def test_an_episode_joins_a_pair_and_shows_its_goal_first() -> None:
    env = SeenGoal(gym.make(FOUR_ROOMS_ID))
    apart, seen = unseen_pairs(FOUR_ROOMS), set()
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        assert env.observation_space.contains(observation)
        goal, place = observation[:2], observation[2:4]
        cell, end = xy_to_cells(FOUR_ROOMS, place), xy_to_cells(FOUR_ROOMS, goal)
        np.testing.assert_allclose(goal, cells_to_xy(FOUR_ROOMS, end))
        assert apart[(*cell, *end)]
        seen.add((*cell.tolist(), *end.tolist()))
        np.testing.assert_array_equal(env.reset(seed=seed)[0], observation)
    assert len(seen) > 1
    env.close()


def test_the_episode_ends_in_the_goal_that_is_seen() -> None:
    env = SeenGoal(gym.make(FOUR_ROOMS_ID))
    observation, _ = env.reset(seed=0)
    point = env.unwrapped
    assert isinstance(point, PointMaze)
    point._point.set_state(observation[:2].astype(float), np.zeros(2))
    observation, reward, terminated, _, info = env.step(np.zeros(2, np.float32))
    assert (reward, terminated, info["success"]) == (1.0, True, True)
    env.close()


def test_who_wanders_starts_anywhere_and_earns_nothing() -> None:
    env = Wandering(gym.make(FOUR_ROOMS_ID))
    starts = {
        tuple(xy_to_cells(FOUR_ROOMS, env.reset(seed=seed)[0][:2]).tolist())
        for seed in range(8)
    }
    assert len(starts) > 4
    place = {"goal": xy_to_cells(FOUR_ROOMS, env.reset(seed=0)[0][:2])}
    env.reset(seed=0, options=place)
    _, reward, terminated, truncated, _ = env.step(np.zeros(2, np.float32))
    assert (reward, terminated, truncated) == (0.0, False, False)
    env.close()


@pytest.mark.parametrize("env_id", ["Pendulum-v1", maze_id("umaze")])
def test_other_environments_are_refused(env_id: str) -> None:
    env = gym.make(env_id)
    with pytest.raises(ValueError, match="expected a point maze that ends"):
        ending_maze(env)
    env.close()
