"""The point mazes: physics, goal, starts, and how an episode ends."""

import subprocess
import sys
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from tt_bench.tasks.maze import MAZES, cells_to_xy, xy_to_cells
from tt_bench.tasks.point_maze import PointMaze, maze_id, pointmaze_steps
from tt_bench.tasks.robotics import import_robotics


def simulation(env: gym.Env[Any, Any]) -> Any:
    maze = env.unwrapped
    assert isinstance(maze, PointMaze)
    return maze._point


def test_the_physics_are_those_of_gymnasium_robotics() -> None:
    module = import_robotics("gymnasium_robotics.envs.maze.point_maze")
    theirs, ours = module.PointMazeEnv(), PointMaze("umaze")
    theirs.reset(seed=0)
    observation, _ = ours.reset(seed=0)
    data = simulation(ours).data
    theirs.point_env.set_state(data.qpos, data.qvel)
    generator = np.random.default_rng(0)
    for _ in range(60):
        action = generator.uniform([-0.5, -1], 1).astype(np.float32)
        observation = ours.step(action)[0]
        expected = theirs.step(action)[0]["observation"]
        np.testing.assert_allclose(observation, expected, atol=1e-6)


@pytest.mark.parametrize("maze", MAZES)
@pytest.mark.parametrize("terminate", [False, True])
def test_the_environment_keeps_gymnasiums_rules(maze: str, terminate: bool) -> None:
    env = gym.make(maze_id(maze, terminate))
    assert env.spec is not None
    assert env.spec.max_episode_steps == pointmaze_steps(maze, terminate)
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


@pytest.mark.parametrize(
    ("away", "reward"), [(0.0, 1.0), (0.49, 1.0), (0.51, 0.0), (2.0, 0.0)]
)
@pytest.mark.parametrize("terminate", [False, True])
def test_the_reward_is_one_within_half_a_cell_of_the_goal(
    away: float, reward: float, terminate: bool
) -> None:
    env = PointMaze("umaze", terminate=terminate)
    env.reset(seed=0)
    simulation(env).set_state(env.goal + np.array([away, 0.0]), np.zeros(2))
    _, got, terminated, truncated, info = env.step(np.zeros(2, np.float32))
    assert got == reward
    assert info["success"] is (reward == 1.0)
    assert terminated is (terminate and reward == 1.0)
    assert truncated is False


def test_the_continuing_task_goes_on_in_the_goal_until_its_time_is_up() -> None:
    env = gym.make(maze_id("umaze"))
    env.reset(seed=0, options={"cell": (1, 1)})
    steps = [env.step(np.zeros(2, np.float32)) for _ in range(300)]
    assert sum(float(step[1]) for step in steps) > 100
    assert not any(step[2] for step in steps)
    assert [step[3] for step in steps] == [False] * 299 + [True]


def test_starts_are_every_free_cell_but_the_goal() -> None:
    env = PointMaze("umaze")
    begins = np.array([env.reset(seed=seed)[0] for seed in range(80)])
    cells = set(map(tuple, xy_to_cells(env.maze, begins[:, :2]).tolist()))
    assert cells == {(1, 2), (1, 3), (2, 3), (3, 3), (3, 2), (3, 1)}
    middles = cells_to_xy(env.maze, xy_to_cells(env.maze, begins[:, :2]))
    assert np.abs(begins[:, :2] - middles).max() <= 0.1
    assert 0.05 < begins[:, 2:].std() < 0.15


def test_the_terminating_task_starts_far_from_the_goal() -> None:
    env = PointMaze("medium", terminate=True)
    begins = np.array([env.reset(seed=seed)[0] for seed in range(20)])
    assert (xy_to_cells(env.maze, begins[:, :2]) == (1, 1)).all()


def test_a_seed_repeats_an_episode() -> None:
    first, second = PointMaze("umaze"), PointMaze("umaze")
    assert (first.reset(seed=5)[0] == second.reset(seed=5)[0]).all()
    assert (first.reset()[0] == second.reset()[0]).all()


@pytest.mark.parametrize("cell", [(0, 0), (9, 9), (1,), (2, 1)])
def test_a_start_inside_a_wall_is_refused(cell: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="free cell"):
        PointMaze("umaze").reset(options={"cell": cell})


def test_an_unknown_maze_is_refused() -> None:
    with pytest.raises(ValueError, match=r"medium.*'circle'"):
        PointMaze("circle")


def test_making_a_maze_prints_nothing() -> None:
    code = (
        "import gymnasium, tt_bench.tasks.point_maze; "
        "gymnasium.make('tt/PointMaze-UMaze-v0').reset()"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


def test_an_action_of_the_task_that_terminates_lasts_five_steps_of_the_other() -> None:
    start = {"cell": MAZES["large"].start}
    short, long = PointMaze("large"), PointMaze("large", terminate=True)
    for env in (short, long):
        env.reset(seed=0, options=start)
    action = np.array([0.3, -0.5], np.float32)
    for _ in range(5):
        expected = short.step(action)[0]
    np.testing.assert_allclose(long.step(action)[0], expected)
    assert pointmaze_steps("large") == 800
    assert pointmaze_steps("large", terminate=True) == 320  # twice the time
