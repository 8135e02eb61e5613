"""Goals that move are observed, or rewards are for one that stays; the source says."""

import pickle
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from minari.data_collector import EpisodeBuffer

from tt_bench import load_dataset
from tt_bench.cli import main
from tt_bench.tasks.robotics import import_robotics

MAZE = "PointMaze_UMaze-v3"
MAP = [[1, 1, 1, 1, 1], [1, "g", 0, 0, 1], [1, 1, 1, 0, 1], [1, "r", 0, 0, 1], [1] * 5]
GOAL = (-1.0, 1.0)  # the middle of its cell
NAME = "tests/goals-v0"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty cache."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    gym.register_envs(import_robotics())
    return tmp_path


def store(
    buffers: list[EpisodeBuffer], space: gym.Space[Any], name: str = NAME, **notes: Any
) -> None:
    notes.setdefault("action_space", gym.spaces.Box(-1, 1, (2,), np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing authors and links
        minari.create_dataset_from_buffers(
            name, buffers, observation_space=space, **notes
        )


def stack(seen: list[Any]) -> Any:
    if isinstance(seen[0], dict):
        return {key: stack([part[key] for part in seen]) for key in seen[0]}
    return np.stack(seen)


def wander(env: gym.Env[Any, Any], seed: int, steps: int) -> EpisodeBuffer:
    """Go where the goal is, which then moves on, unless a wall is between."""
    draws = np.random.default_rng(seed)
    seen, rewards = [env.reset(seed=seed)[0]], []
    actions = draws.uniform(-0.5, 0.5, (steps, 2)).astype(np.float32)
    for action in actions:
        ahead = seen[-1]["desired_goal"] - seen[-1]["achieved_goal"]
        action += np.clip(ahead, -0.5, 0.5)
        observation, reward = env.step(action)[:2]
        seen.append(observation)
        rewards.append(float(reward))
    flags = np.zeros(steps, np.bool_)
    return EpisodeBuffer(
        observations=stack(seen),
        actions=actions,
        rewards=rewards,
        terminations=flags,
        truncations=flags,
    )


@pytest.fixture
def maze() -> list[EpisodeBuffer]:
    """Store four episodes in a maze whose goals move, evaluated for one goal."""
    env = gym.make(MAZE, continuing_task=True, reset_target=True)
    evaluated = gym.make(MAZE, maze_map=MAP, continuing_task=True)
    buffers = [wander(env, seed, 60) for seed in range(4)]
    space = env.observation_space
    actions = env.action_space
    store(buffers, space, env=env, eval_env=evaluated, action_space=actions)
    return buffers


def joined(buffers: list[EpisodeBuffer], key: str) -> Any:
    parts: list[Any] = [buffer.observations for buffer in buffers]
    return np.concatenate([part[key][:-1] for part in parts]).astype(np.float32)


def test_a_goal_that_moves_is_observed(maze: list[EpisodeBuffer]) -> None:
    dataset = load_dataset(NAME)
    assert dataset.observation_keys == ("observation", "desired_goal")
    seen = dataset.episodes.observations
    np.testing.assert_array_equal(seen[:, 4:], joined(maze, "desired_goal"))
    assert "goals are observed" in dataset.source
    env = dataset.make_env()
    observation, _ = env.reset(seed=0)
    assert np.abs(observation[4:] - GOAL).max() <= 0.25
    assert env.observation_space.shape == (6,)


def test_rewards_are_for_the_goal_that_is_observed(maze: list[EpisodeBuffer]) -> None:
    env = gym.make(MAZE, continuing_task=True, reset_target=True)
    store([wander(env, seed, 400) for seed in range(3)], env.observation_space, "n-v0")
    episodes = load_dataset("n-v0").episodes
    away = episodes.next_observations()[:, :2] - episodes.observations[:, 4:]
    rewarded = episodes.rewards > 0
    assert rewarded.any()
    assert (np.linalg.norm(away, axis=1)[rewarded] < 0.5).all()


def test_rewards_can_be_for_the_one_goal_that_is_evaluated(
    maze: list[EpisodeBuffer],
) -> None:
    dataset = load_dataset(NAME, goal="fixed")
    episodes = dataset.episodes
    assert dataset.observation_keys == ("observation",)
    places = episodes.next_observations()[:, :2].astype(np.float64)
    near = np.linalg.norm(places - GOAL, axis=1) <= 0.45
    np.testing.assert_array_equal(episodes.rewards, near)
    assert near.any()
    assert episodes.ends.tolist() == [60, 120, 180, 240]
    assert not episodes.terminated.any()
    assert "rewards are for the fixed goal (-1, 1)" in dataset.source


def test_the_fixed_goal_is_that_of_every_episode_that_is_played(
    maze: list[EpisodeBuffer],
) -> None:
    make_env = pickle.loads(pickle.dumps(load_dataset(NAME, goal="fixed").make_env))
    env = make_env()
    inner: Any = env.unwrapped
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        assert observation.shape == (4,)
        assert inner.goal.tolist() == list(GOAL)
        site = inner.point_env.model.site_pos[inner.target_site_id]
        assert site[:2].tolist() == list(GOAL)
    inner.point_env.set_state(np.array([-1.0, 1.4]), np.zeros(2))
    _, reward, _, _, info = env.step(np.zeros(2, np.float32))
    assert (reward, info["success"]) == (1.0, True)


def test_a_task_that_ends_in_its_goal_ends_there_in_the_data(
    maze: list[EpisodeBuffer],
) -> None:
    env = gym.make(MAZE, continuing_task=True, reset_target=True)
    evaluated = gym.make(MAZE, maze_map=MAP, continuing_task=False)
    notes: dict[str, Any] = {"env": env, "eval_env": evaluated}
    store(maze, env.observation_space, "ends-v0", **notes)
    episodes = load_dataset("ends-v0", goal="fixed").episodes
    assert episodes.terminated.any()
    assert episodes.returns().tolist() == episodes.terminated.astype(float).tolist()
    kept = load_dataset(NAME, goal="fixed").episodes
    assert len(episodes) < len(kept)


def test_a_maze_with_many_goals_has_no_fixed_one(maze: list[EpisodeBuffer]) -> None:
    env = gym.make(MAZE)
    store(maze, env.observation_space, "many-v0", env=env)
    with pytest.raises(ValueError, match=r"one goal, .* has 7"):
        load_dataset("many-v0", goal="fixed")


@pytest.mark.parametrize("keys", [["desired_goal"], ["observation", "desired_goal"]])
def test_a_fixed_goal_is_not_observed_as_well(
    keys: list[str], maze: list[EpisodeBuffer]
) -> None:
    with pytest.raises(ValueError, match="without the goal"):
        load_dataset(NAME, goal="fixed", keys=keys)


def test_who_chooses_parts_is_told_that_the_goal_is_none(
    maze: list[EpisodeBuffer],
) -> None:
    dataset = load_dataset(NAME, keys=["observation"])
    assert dataset.observation_keys == ("observation",)
    assert "goals differ by episode and are not observed" in dataset.source
    dataset = load_dataset(NAME, keys=["achieved_goal"], goal="observed")
    assert dataset.observation_keys == ("achieved_goal", "desired_goal")


def test_parts_and_goals_are_chosen_on_the_command_line(
    maze: list[EpisodeBuffer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["d4rl", "--dataset", NAME, "--methods", "random", "--threads", "1"]
    short = ["--episodes", "1", "--max-steps", "3", "--output", str(tmp_path / "out")]
    for options, said in (
        ([], "goals are observed"),
        (["--goal", "fixed"], "rewards are for the fixed goal (-1, 1)"),
        (["--goal", "observed"], "goals are observed"),
        (["--keys", "observation"], "are not observed"),
        (["--keys", "desired_goal", "observation"], f"Minari dataset {NAME}"),
    ):
        assert main([*command, *short, *options]) == 0
        assert said in capsys.readouterr().out
    assert main([*command, *short, "--keys", "nothing"]) == 2
    assert "'achieved_goal', 'desired_goal', 'observation'" in capsys.readouterr().err


# Goals of many parts, and parts that are no vectors


def box(size: int) -> gym.spaces.Box:
    return gym.spaces.Box(-np.inf, np.inf, (size,), np.float64)


KITCHEN = gym.spaces.Dict(
    observation=box(3),
    achieved_goal=gym.spaces.Dict({"kettle": box(2), "burner": box(1)}),
    desired_goal=gym.spaces.Dict({"kettle": box(2), "burner": box(1)}),
)
PICTURE = gym.spaces.Box(0, 255, (40, 40, 3), np.uint8)


class Kitchen(gym.Env[Any, Any]):
    """Observes one sample of a space."""

    action_space = gym.spaces.Box(-1, 1, (2,), np.float32)

    def __init__(self, picture: bool = False, **_: Any) -> None:
        parts = dict(KITCHEN.spaces) | ({"picture": PICTURE} if picture else {})
        self.observation_space = gym.spaces.Dict(parts)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}


@pytest.fixture
def kitchen() -> Iterator[str]:
    """Register an environment with goals of two parts."""
    name, module = "tests/Kitchen-v0", ModuleType("kitchens")
    module.__dict__["Kitchen"] = Kitchen
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "kitchens", module)
        patch.setitem(gym.registry, name, EnvSpec(name, "kitchens:Kitchen"))
        yield name


def cook(env: str, picture: bool = False, moves: bool = False) -> None:
    """Store two episodes of three steps."""
    made = gym.make(env, picture=picture, disable_env_checker=True)
    seen = stack([made.reset(seed=seed)[0] for seed in range(4)])
    for part in seen["desired_goal"].values():
        part[:] = 7.0
    buffers = []
    for episode in range(2):
        goal = {
            key: part + episode * moves for key, part in seen["desired_goal"].items()
        }
        buffers.append(
            EpisodeBuffer(
                observations=seen | {"desired_goal": goal},
                actions=np.zeros((3, 2), np.float32),
                rewards=[0.0] * 3,
                terminations=[False] * 3,
                truncations=[False] * 3,
            )
        )
    store(buffers, made.observation_space, env=made)


PARTS = ("achieved_goal/burner", "achieved_goal/kettle", "observation")
GOALS = ("desired_goal/burner", "desired_goal/kettle")


@pytest.mark.parametrize("picture", [False, True])
@pytest.mark.parametrize("moves", [False, True])
def test_goals_of_many_parts_are_read(picture: bool, moves: bool, kitchen: str) -> None:
    cook(kitchen, picture, moves)
    dataset = load_dataset(NAME)
    assert dataset.observation_keys == PARTS + (GOALS if moves else ())
    assert ("goals are observed" in dataset.source) is moves
    width = dataset.episodes.observations.shape[1]
    assert width == (9 if moves else 6)
    assert dataset.make_env().reset(seed=0)[0].shape == (width,)


def test_parts_that_are_not_asked_for_do_not_matter(kitchen: str) -> None:
    cook(kitchen, picture=True)
    dataset = load_dataset(NAME, keys=["desired_goal/kettle", "observation"])
    assert dataset.episodes.observations.shape == (6, 5)
    assert dataset.make_env().observation_space.shape == (5,)
    with pytest.raises(ValueError, match=r"'picture'.*images.*--keys"):
        load_dataset(NAME, keys=["observation", "picture"])
    with pytest.raises(ValueError, match="desired_goal/kettle"):
        load_dataset(NAME, keys=["desired_goal"])


def test_a_goal_that_moves_is_fixed_in_mazes_only(kitchen: str) -> None:
    cook(kitchen, moves=True)
    with pytest.raises(ValueError, match=r"mazes of gymnasium-robotics.*--goal"):
        load_dataset(NAME, goal="fixed")


def test_data_without_goals_have_none_to_choose() -> None:
    space = gym.spaces.Box(-1, 1, (2,), np.float32)
    flags = [False] * 3
    buffer = EpisodeBuffer(
        observations=np.zeros((4, 2), np.float32),
        actions=np.zeros((3, 2), np.float32),
        rewards=[0.0] * 3,
        terminations=flags,
        truncations=flags,
    )
    store([buffer], space)
    wrong: Any = {"fixed": "desired_goal", "observed": "desired_goal", "moved": "fixed"}
    for goal, message in wrong.items():
        with pytest.raises(ValueError, match=message):
            load_dataset(NAME, goal=goal)


def test_pictures_beside_other_parts_are_named(cache: Path) -> None:
    space = gym.spaces.Dict(place=box(2), picture=PICTURE)
    seen = {"place": np.zeros((4, 2)), "picture": np.zeros((4, 40, 40, 3), np.uint8)}
    flags = [False] * 3
    buffer = EpisodeBuffer(
        observations=seen,
        actions=np.zeros((3, 2), np.float32),
        rewards=[0.0] * 3,
        terminations=flags,
        truncations=flags,
    )
    store([buffer], space)
    with pytest.raises(ValueError, match=r"'picture'.*--keys.*place"):
        load_dataset(NAME)
    assert load_dataset(NAME, keys=["place"]).episodes.observations.shape == (3, 2)
