"""Ant mazes of gymnasium-robotics' ant: the task, and data of it."""

import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from minari.data_collector import EpisodeBuffer

from tt_bench.data.ant_maze_goals import cut_at
from tt_bench.data.episodes import Episodes
from tt_bench.data.load import load_dataset
from tt_bench.data.minari import read_minari
from tt_bench.data.minari_write import MinariNotes, write_minari
from tt_bench.data.sources import SOURCES
from tt_bench.methods.recipes import recipe_for
from tt_bench.tasks.ant_maze import (
    AntMaze,
    antmaze_id,
    cells_to_metres,
    metres_to_cells,
)
from tt_bench.tasks.maze import MAZES
from tt_bench.tasks.robotics import import_robotics

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


def test_ant_mazes_of_the_strong_ant_have_their_recipe() -> None:
    for name in ("D4RL/antmaze/umaze-v1", "D4RL/antmaze/large-play-v1"):
        recipe = recipe_for(name)
        assert recipe.planner.search == "best-of-n"
        assert (recipe.chunk, recipe.executed) == (5, 2)  # a quarter of a second
        critic = recipe.critic
        assert (critic.expectile, critic.temperature) == (0.9, 10.0)
        assert critic.rewards == "minus-one"
        assert recipe.discount == 0.99


def old_data(cache: Path) -> str:
    """Write data as they were made here once, for the strong ant."""
    name = "tt/antmaze/medium-v0"
    draws = np.random.default_rng(0)
    episodes = Episodes(
        draws.normal(size=(6, 29)),
        np.zeros((6, 8)),
        [0, 0, 1, 0, 0, 0],
        [3, 6],
        [True, False],
        np.zeros((2, 29)),
    )
    spec = gym.spec(antmaze_id("medium"))
    notes = MinariNotes(env=spec, eval_env=spec, reference=(0.0, 1.0))
    assert write_minari(episodes, name, notes).is_relative_to(cache)
    return name


def test_old_names_say_what_to_use() -> None:
    for maze in MAZES:
        with pytest.raises(ValueError, match=f"use tt/antmaze/{maze}-diverse-v0"):
            load_dataset(f"tt/antmaze/{maze}-v0")
        assert f"tt/antmaze/{maze}-diverse-v0" in SOURCES


def test_data_that_were_made_under_an_old_name_still_load(cache: Path) -> None:
    dataset = load_dataset(old_data(cache))
    assert dataset.episodes.rewards.tolist() == [0, 0, 1, 0, 0, 0]
    assert dataset.reference == (0.0, 1.0)
    assert dataset.env_id == antmaze_id("medium")
    env = dataset.make_env()
    assert isinstance(env.unwrapped, AntMaze)
    assert recipe_for(dataset.name).chunk == 5
