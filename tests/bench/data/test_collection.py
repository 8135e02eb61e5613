"""Collected data: what was played, whole, repeatable and kept once."""

from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import numpy as np
import pytest

from tt_bench.data import made_here, sources
from tt_bench.data.collection import collect
from tt_bench.data.episodes import Episodes
from tt_bench.data.load import load_dataset
from tt_bench.data.made_here import collect_dataset
from tt_bench.data.minari_cache import is_local
from tt_bench.data.source import Source
from tt_bench.data.sources import SOURCES, behaviour_policy, expert_policy
from tt_bench.evaluation.episodes import evaluate
from tt_bench.interface import BoolArray, FloatArray
from tt_bench.tasks.half_ways import HalfWays
from tt_bench.tasks.maze import MAZES, cells_to_xy, distances, xy_to_cells
from tt_bench.tasks.point_maze import PointMaze

UMAZE = "tt/pointmaze/umaze-v0"
SPARSE = "tt/pointmaze/umaze-sparse-v0"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty cache."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    return tmp_path


def small(name: str, **changes: Any) -> Source:
    changes = {"transitions": 300, "reference_episodes": 3} | changes
    return attrs.evolve(SOURCES[name], **changes)


def use(source: Source, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sources, "SOURCES", {source.dataset_id: source})
    return source.dataset_id


class Clock(gym.Env[FloatArray, FloatArray]):
    """Observes the time and its seed, rewards the action, ends when the seed says."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        super().reset(seed=seed)
        self.time, self.end = 0, int(self.np_random.integers(1, 6))
        return np.array([0, self.end], np.float32), {}

    def step(self, action: FloatArray) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.time += 1
        over = self.time == self.end
        odd = self.end % 2 == 1
        observation = np.array([self.time, self.end], np.float32)
        return observation, float(action[0]), over and odd, over and not odd, {}


class Teller:
    """Acts by the time it sees and remembers what it is told."""

    def __init__(self) -> None:
        self.rewards = 0.0

    def start(self, count: int, seed: int, /) -> None:
        pass

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        return (observations[:, :1] / 10).astype(np.float32)

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        self.rewards += float(rewards[active].sum())


def test_episodes_hold_what_was_seen_done_and_earned() -> None:
    agent = Teller()
    told: list[tuple[int, int]] = []
    episodes = collect(
        agent,
        Clock,
        transitions=40,
        seed=1,
        parallel=7,
        progress=lambda done, total: told.append((done, total)),
    )
    assert len(episodes) >= 40
    assert len(episodes.ends) % 7 == 0
    assert len(set(episodes.lengths.tolist())) > 2
    starts = np.repeat(episodes.ends - episodes.lengths, episodes.lengths)
    time = np.arange(len(episodes)) - starts
    ends = np.repeat(episodes.lengths, episodes.lengths)
    np.testing.assert_array_equal(episodes.observations, np.stack([time, ends], 1))
    np.testing.assert_allclose(episodes.actions[:, 0], time / 10)
    np.testing.assert_allclose(episodes.rewards, time / 10)
    assert (episodes.terminated == (episodes.lengths % 2 == 1)).all()
    assert (episodes.final_observations[:, 0] == episodes.lengths).all()
    assert agent.rewards == pytest.approx(episodes.rewards.sum())
    assert told[-1] == (40, 40)
    assert told == sorted(told)


def test_a_collection_needs_something_to_collect() -> None:
    numbers: list[Any] = [0, 1.5, float("inf")]
    for number in numbers:
        with pytest.raises(ValueError, match=f"whole numbers, got {number} and 20"):
            collect(Teller(), Clock, transitions=number, seed=0)
        with pytest.raises(ValueError, match=f"whole numbers, got 9 and {number}"):
            collect(Teller(), Clock, transitions=9, seed=0, parallel=number)


def test_a_seed_repeats_a_collection_and_rounds_differ() -> None:
    def lengths(seed: int) -> list[float]:
        episodes = collect(Teller(), Clock, transitions=60, seed=seed, parallel=9)
        return list(episodes.lengths)

    assert lengths(3) == lengths(3)
    assert lengths(3) != lengths(4)
    assert lengths(3)[:9] != lengths(3)[9:18]


def test_a_dataset_is_collected_once_then_read(monkeypatch: pytest.MonkeyPatch) -> None:
    name = use(small(UMAZE, episode_steps=15), monkeypatch)
    first = load_dataset(name)
    assert len(first.episodes) == 300
    assert first.episodes.lengths.tolist() == [15] * 20

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("collected again")

    monkeypatch.setattr(made_here, "collect_source", fail)
    again = load_dataset(name)
    np.testing.assert_array_equal(first.episodes.actions, again.episodes.actions)


def test_what_another_process_collects_meanwhile_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = small(UMAZE, episode_steps=15, reference=(0.0, 1.0))
    name = use(source, monkeypatch)

    def other(done: int, total: int) -> None:
        if done == total:
            collect_dataset(attrs.evolve(source, seed=7))

    collected = load_dataset(name, progress=other).episodes
    assert len(collected) == 300
    with pytest.raises(ValueError, match="unused dataset id"):
        collect_dataset(source)


def test_rewards_are_for_the_one_goal_of_the_task() -> None:
    source = small(UMAZE, reference=(0.0, 1.0), transitions=1500, episode_steps=75)
    collect_dataset(source)
    episodes = load_dataset(UMAZE).episodes
    goal = cells_to_xy(MAZES["umaze"], MAZES["umaze"].goal)
    away = np.linalg.norm(episodes.next_observations()[:, :2] - goal, axis=1)
    np.testing.assert_array_equal(episodes.rewards, away <= 0.5)
    assert 0 < episodes.rewards.mean() < 1
    assert not episodes.terminated.any()


def test_the_environment_to_evaluate_in_has_the_limit_of_the_task() -> None:
    collect_dataset(small(UMAZE, episode_steps=15, reference=(0.0, 1.0)))
    dataset = load_dataset(UMAZE)
    assert dataset.env_id == "tt/PointMaze-UMaze-v0"
    env = dataset.make_env()
    assert env.spec is not None
    assert env.spec.max_episode_steps == 300
    assert "15" not in dataset.description


def test_references_are_measured_returns() -> None:
    source = small(UMAZE, episode_steps=15)
    collect_dataset(source)
    dataset = load_dataset(UMAZE)
    expert = evaluate(expert_policy(UMAZE), dataset.make_env, range(3)).returns
    assert dataset.reference is not None
    assert dataset.reference[1] == pytest.approx(float(expert.mean()))
    assert dataset.reference[0] < 60 < dataset.reference[1]


def test_an_interrupted_collection_leaves_nothing(cache: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect_dataset(small(UMAZE, episode_steps=15), progress=interrupt)
    assert not is_local(UMAZE)
    assert list(cache.iterdir()) == []


def test_a_place_that_is_taken_is_noticed_before_collecting(cache: Path) -> None:
    (cache / UMAZE).mkdir(parents=True)
    with pytest.raises(ValueError, match="remove that folder"):
        load_dataset(UMAZE)


def test_an_unknown_dataset_of_ours_is_refused_at_once() -> None:
    for ask in (load_dataset, behaviour_policy, expert_policy):
        with pytest.raises(ValueError, match=r"umaze-v0.*'tt/pointmaze/oval-v0'"):
            ask("tt/pointmaze/oval-v0")


def test_no_episode_shows_the_way_from_start_to_goal() -> None:
    maze = MAZES["umaze"]
    collect_dataset(small(SPARSE, transitions=6_000))
    episodes = load_dataset(SPARSE).episodes
    steps = distances(maze, maze.goal)
    parts = np.split(episodes.observations, episodes.ends[:-1])
    started = 0
    for part in parts:
        cells = [tuple(cell) for cell in xy_to_cells(maze, part[:, :2]).tolist()]
        if maze.start in cells:
            started += 1
            after = cells[cells.index(maze.start) :]
            assert min(int(steps[cell]) for cell in after) > 3
    assert 0.1 < started / len(parts) < 0.9
    assert 0.1 < episodes.terminated.mean() < 0.9
    np.testing.assert_array_equal(episodes.returns(), episodes.terminated)
    first = steps[tuple(xy_to_cells(maze, np.array([p[0, :2] for p in parts])).T)]
    assert set(first.tolist()) == {1, 2, 3, 4, 5, 6}


def test_an_episode_from_the_start_is_cut_half_way() -> None:
    env = HalfWays(PointMaze("umaze", terminate=True), MAZES["umaze"])
    driver = expert_policy(SPARSE)
    cut = []
    for seed in range(20):
        observation, _ = env.reset(seed=seed)
        begin = tuple(xy_to_cells(MAZES["umaze"], observation[:2]).tolist())
        driver.start(1, 0)
        terminated = truncated = False
        while not (terminated or truncated):
            action = driver.act(observation[None], np.ones(1, np.bool_))[0]
            observation, _, terminated, truncated, _ = env.step(action)
        assert terminated != truncated
        assert truncated == (begin == (3, 1))
        if truncated:
            cut.append(tuple(xy_to_cells(MAZES["umaze"], observation[:2]).tolist()))
    assert set(cut) == {(2, 3)}


def test_success_scores_the_goal_terminating_mazes() -> None:
    names = [name for name in SOURCES if name.endswith("-sparse-v0")]
    assert len(names) == 3
    assert {SOURCES[name].reference for name in names} == {(0.0, 1.0)}


def test_the_pendulum_is_collected_and_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    name = use(small("tt/pendulum/mixed-v0"), monkeypatch)
    dataset = load_dataset(name)
    assert isinstance(dataset.episodes, Episodes)
    assert dataset.episodes.lengths.tolist() == [200] * 20
    assert dataset.reference is not None
    assert dataset.reference[0] < -700 < -400 < dataset.reference[1]
    returns = dataset.episodes.returns()
    assert returns.min() < -800 < -400 < returns.max()


def test_every_source_names_an_environment_its_agents_can_act_in() -> None:
    for name, source in SOURCES.items():
        env = gym.make(source.env_id)
        observation, _ = env.reset(seed=0)
        for agent in (behaviour_policy(name), expert_policy(name)):
            agent.start(1, 0)
            action = agent.act(
                observation[None].astype(np.float32), np.ones(1, np.bool_)
            )
            assert env.action_space.contains(action[0])
        env.close()
