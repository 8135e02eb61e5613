"""Ant mazes: the task, the controller that walks, and the data made and read."""

import warnings
from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import minari
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from minari.data_collector import EpisodeBuffer

from tt_bench.data import sources
from tt_bench.data.ant_maze_goals import cut_at
from tt_bench.data.episodes import Episodes
from tt_bench.data.load import load_dataset
from tt_bench.data.minari import read_minari
from tt_bench.data.sources import SOURCES
from tt_bench.methods.recipes import recipe_for
from tt_bench.tasks.ant_driver import AntDriver, WalkConfig, load_weights, walk
from tt_bench.tasks.ant_maze import (
    AntMaze,
    antmaze_id,
    cells_to_metres,
    metres_to_cells,
)
from tt_bench.tasks.maze import MAZES, in_goal
from tt_bench.tasks.robotics import import_robotics
from tt_bench.tasks.scattered_starts import ScatteredStarts

UMAZE = MAZES["umaze"]
STILL = np.zeros(8, np.float32)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty cache."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    return tmp_path


def place(env: AntMaze, xy: Any, up: bool = True) -> None:
    """Stand the ant somewhere, or lay it on its back."""
    position = env._ant.init_qpos.copy()
    position[:2] = xy
    position[3:7] = [1, 0, 0, 0] if up else [0, 1, 0, 0]
    env._ant.set_state(position, np.zeros(14))


@pytest.mark.filterwarnings("ignore:.*A Box observation space.*")
@pytest.mark.parametrize(
    ("maze", "steps"), [("umaze", 700), ("medium", 1000), ("large", 1000)]
)
def test_the_environment_keeps_gymnasiums_rules(maze: str, steps: int) -> None:
    env = gym.make(antmaze_id(maze))
    assert env.spec is not None
    assert env.spec.max_episode_steps == steps
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_the_physics_are_those_of_gymnasium_robotics() -> None:
    module = import_robotics("gymnasium_robotics.envs.maze.ant_maze_v5")
    theirs = module.AntMazeEnv(include_cfrc_ext_in_observation=False)
    ours = AntMaze("umaze")
    theirs.reset(seed=0)
    ours.reset(seed=0)
    data = ours._ant.data
    theirs.ant_env.set_state(data.qpos, data.qvel)
    generator = np.random.default_rng(0)
    for _ in range(40):
        action = generator.uniform(-1, 1, 8).astype(np.float32)
        observation = ours.step(action)[0]
        seen = theirs.step(action)[0]
        expected = np.concatenate([seen["achieved_goal"], seen["observation"]])
        assert observation.shape == (29,)
        np.testing.assert_allclose(observation, expected, atol=1e-5)


def test_cells_are_those_of_gymnasium_robotics() -> None:
    module = import_robotics("gymnasium_robotics.envs.maze.maze_v4")
    for maze in MAZES.values():
        theirs = module.Maze([list(row) for row in maze.rows], 4.0, 0.5)
        for cell in (maze.start, maze.goal):
            xy = theirs.cell_rowcol_to_xy(np.array(cell))
            assert cells_to_metres(maze, cell).tolist() == xy.tolist()
            assert tuple(metres_to_cells(maze, xy + 1.9).tolist()) == cell


@pytest.mark.parametrize(("away", "reached"), [(0.0, True), (0.48, True), (0.6, False)])
def test_the_goal_ends_the_episode_with_reward_one(away: float, reached: bool) -> None:
    env = AntMaze("umaze")
    env.reset(seed=0)
    place(env, env.goal + np.array([away, 0.0]))
    _, reward, terminated, truncated, info = env.step(STILL)
    assert (reward, terminated, truncated) == (float(reached), reached, False)
    assert info["success"] is reached


def test_the_goal_is_not_observed() -> None:
    env = AntMaze("umaze")
    first, _ = env.reset(seed=0)
    place(env, first[:2])
    seen = env.step(STILL)[0]
    env.goal = env.goal + 1.0
    place(env, first[:2])
    np.testing.assert_allclose(seen, env.step(STILL)[0], atol=1e-6)


def test_starts_are_near_the_middle_of_the_start_cell() -> None:
    env = AntMaze("medium")
    begins = np.array([env.reset(seed=seed)[0] for seed in range(20)])
    away = begins[:, :2] - cells_to_metres(env.maze, env.maze.start)
    assert 0.05 < np.abs(away).max() <= 0.1
    assert 0.05 < begins[:, 15:].std() < 0.15
    assert (env.reset(seed=3)[0] == begins[3]).all()
    elsewhere, _ = env.reset(seed=0, options={"cell": (6, 6)})
    assert metres_to_cells(env.maze, elsewhere[:2]).tolist() == [6, 6]
    with pytest.raises(ValueError, match=r"free cell.*\(0, 0\)"):
        env.reset(options={"cell": (0, 0)})


@pytest.mark.parametrize("heading", [0.0, 2.0, -1.3])
def test_the_controller_walks_along_the_heading(heading: float) -> None:
    env = gym.make("Ant-v5", include_cfrc_ext_in_observation=False)
    ant, _ = env.reset(seed=1)
    headings = np.array([heading])
    start = env.unwrapped.data.qpos[:2].copy()  # type: ignore[attr-defined]
    for _ in range(100):
        ant, *_ = env.step(walk(ant[None], headings, load_weights())[0])
    way = env.unwrapped.data.qpos[:2] - start  # type: ignore[attr-defined]
    along = way @ [np.cos(heading), np.sin(heading)]
    across = way @ [-np.sin(heading), np.cos(heading)]
    assert along / 5.0 > 0.5  # metres a second
    assert abs(across) < 0.6 * along


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


def test_the_driver_walks_from_cell_to_cell_to_the_goal() -> None:
    env = AntMaze("umaze")
    observation, _ = env.reset(seed=0, options={"cell": (1, 3)})
    driver = AntDriver(env.maze, WalkConfig(noise=0.0), wander=False)
    driver.start(1, 0)
    for _ in range(300):
        action = driver.act(observation[None], np.ones(1, np.bool_))[0]
        observation, _, terminated, *_ = env.step(action)
        if terminated:
            break
    assert terminated
    assert in_goal(observation[:2], env.goal)


def test_a_share_of_the_goals_is_that_of_the_task() -> None:
    driver = AntDriver(MAZES["medium"], WalkConfig(home=0.2), wander=True)
    driver.start(1, 0)
    route = driver._route
    goals = np.array([route.draw_goal(np.zeros(2)) for _ in range(400)])
    home = cells_to_metres(MAZES["medium"], (6, 6)) / 4
    assert 0.13 < (goals == home).all(axis=1).mean() < 0.27


@pytest.mark.parametrize("changes", [{"noise": -1.0}, {"home": 2.0}, {"arrival": 0.0}])
def test_bad_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        WalkConfig(**changes)


def test_an_ant_that_is_stuck_is_given_up() -> None:
    env = ScatteredStarts(AntMaze("umaze"), UMAZE)
    env.reset(seed=0)
    ends = [env.step(STILL)[3] for _ in range(100)]
    assert ends == [False] * 99 + [True]


def test_what_follows_from_turning_over_is_in_the_data() -> None:
    inner = AntMaze("umaze")
    env = ScatteredStarts(inner, UMAZE)
    env.reset(seed=0)
    place(inner, (0.0, 4.0), up=False)
    steps = [env.step(STILL) for _ in range(100)]
    backs = [1.0 - 2.0 * float(step[0][4:6] @ step[0][4:6]) for step in steps]
    assert max(backs) < 0  # points down all the time
    assert not any(step[2] for step in steps)
    assert not any(step[3] for step in steps[:98])


def test_a_small_dataset_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "tt/antmaze/umaze-v0"
    source = attrs.evolve(SOURCES[name], transitions=500, episode_steps=60)
    monkeypatch.setattr(sources, "SOURCES", {name: source})
    dataset = load_dataset(name)
    episodes = dataset.episodes
    assert episodes.observations.shape == (len(episodes), 29)
    assert episodes.actions.shape == (len(episodes), 8)
    assert dataset.env_id == antmaze_id("umaze")
    assert dataset.reference == (0.0, 1.0)
    firsts = episodes.observations[episodes.ends - episodes.lengths, :2]
    cells = set(map(tuple, metres_to_cells(UMAZE, firsts).tolist()))
    assert len(cells) > 3
    assert UMAZE.goal not in cells
    np.testing.assert_array_equal(episodes.returns(), episodes.terminated)
    env = dataset.make_env()
    assert env.reset(seed=0)[0].shape == (29,)
    assert env.spec is not None
    assert env.spec.max_episode_steps == 700


def minari_episode(places: Any, rewards: Any, goal: Any) -> EpisodeBuffer:
    """Make an episode as Minari's ant mazes have it, of places [T + 1, 2]."""
    places, steps = np.array(places, np.float64), len(rewards)
    own = np.arange(27.0) + 100 * np.arange(steps + 1.0)[:, None]
    return EpisodeBuffer(
        observations={
            "observation": own,
            "achieved_goal": places,
            "desired_goal": np.tile(np.array(goal, np.float64), (steps + 1, 1)),
        },
        actions=np.zeros((steps, 8), np.float32),
        rewards=rewards,
        terminations=[False] * steps,
        truncations=[False] * (steps - 1) + [True],
    )


def write_ant_data(env_id: str, buffers: list[EpisodeBuffer]) -> None:
    gym.register_envs(import_robotics())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the version, and missing authors
        env = gym.make(env_id, continuing_task=True, reset_target=False)
        minari.create_dataset_from_buffers("D4RL/antmaze/test-v1", buffers, env=env)
        env.close()


GOAL = (-4.0, 4.0)  # of the u, in metres


def test_minaris_ant_mazes_become_the_task_with_one_goal() -> None:
    near = (-4.0, 4.4)
    buffers = [
        minari_episode([(0, 0), (1, 1), near, GOAL, (2, 2)], [0, 1, 1, 0], GOAL),
        minari_episode([(0, 0), (4, 4), (4, 4)], [1, 1], (4.0, 4.0)),
        minari_episode([(0, 0), (1, 1), GOAL], [0, 0], (4.0, 4.0)),
    ]
    write_ant_data("AntMaze_UMaze-v4", buffers)
    dataset = read_minari("D4RL/antmaze/test-v1")
    episodes = dataset.episodes
    assert dataset.observation_keys == ("achieved_goal", "observation")
    assert episodes.lengths.tolist() == [2, 2, 2]
    assert episodes.rewards.tolist() == [0, 1, 0, 0, 0, 1]
    assert episodes.terminated.tolist() == [True, False, True]
    assert episodes.observations[1].tolist() == [1, 1, *range(100, 127)]
    assert episodes.final_observations[0, :2].tolist() == [-4.0, np.float32(4.4)]
    assert dataset.reference == (0.0, 1.0)
    assert dataset.env_id == antmaze_id("umaze")
    env = dataset.make_env()
    assert env.spec is not None
    assert env.spec.id == antmaze_id("umaze")
    assert env.reset(seed=0)[0].shape == (29,)


@pytest.mark.filterwarnings("ignore:.*is out of date.*")
def test_with_the_goal_observed_the_data_keeps_its_own_goals() -> None:
    buffers = [minari_episode([(0, 0), (4, 4), (4, 4)], [1, 1], (4.0, 4.0))]
    write_ant_data("AntMaze_UMaze-v4", buffers)
    keys = ["achieved_goal", "observation", "desired_goal"]
    dataset = read_minari("D4RL/antmaze/test-v1", keys=keys)
    assert dataset.episodes.rewards.tolist() == [1]
    assert dataset.episodes.terminated.tolist() == [True]
    assert dataset.env_id == "AntMaze_UMaze-v4"
    env = dataset.make_env()
    assert env.reset(seed=0)[0].shape == (31,)
    assert env.unwrapped.continuing_task is False  # type: ignore[attr-defined]


def test_cutting_keeps_an_end_that_was_there() -> None:
    ends, times = np.array([3, 5, 6]), np.arange(6.0)[:, None]
    finals = np.array([[90.0], [91.0], [92.0]])
    episodes = Episodes(times, times, times[:, 0], ends, [False, True, False], finals)
    cut = cut_at(episodes, np.array([0, 1, 1, 0, 0, 0], np.bool_))
    assert cut.observations[:, 0].tolist() == [0, 1, 3, 4, 5]
    assert cut.ends.tolist() == [2, 4, 5]
    assert cut.terminated.tolist() == [True, True, False]
    assert cut.final_observations[:, 0].tolist() == [2, 91, 92]


def test_ant_mazes_have_their_recipe() -> None:
    for name in ("tt/antmaze/umaze-v0", "D4RL/antmaze/large-play-v1"):
        recipe = recipe_for(name)
        assert recipe.planner.search == "best-of-n"
        assert (recipe.chunk, recipe.executed) == (5, 2)  # a quarter of a second
        critic = recipe.critic
        assert (critic.expectile, critic.temperature) == (0.9, 10.0)
        assert critic.rewards == "minus-one"
        assert recipe.discount == 0.99
