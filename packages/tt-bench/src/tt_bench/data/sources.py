"""Datasets that are made here on first use."""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import attrs
import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec

from tt_bench.agents.simple import RandomAgent
from tt_bench.data.collect import Environment, Progress, collect
from tt_bench.data.minari_cache import is_local
from tt_bench.data.minari_write import MinariNotes, check_unused, write_minari
from tt_bench.evaluation.evaluate import evaluate
from tt_bench.interface import Agent
from tt_bench.results.scores import REFERENCE_RETURNS
from tt_bench.tasks.ant_driver import AntDriver, WalkConfig
from tt_bench.tasks.ant_maze import antmaze_id, antmaze_steps
from tt_bench.tasks.half_ways import HalfWays
from tt_bench.tasks.maze import MAZES, Maze
from tt_bench.tasks.pendulum_driver import PendulumDriver, SwingConfig
from tt_bench.tasks.point_driver import DriveConfig, WaypointDriver
from tt_bench.tasks.point_maze import maze_id, pointmaze_steps
from tt_bench.tasks.scattered_starts import ScatteredStarts

_TRANSITIONS = {"umaze": 100_000, "medium": 200_000, "large": 400_000}
_ANT_TRANSITIONS = {"umaze": 300_000, "medium": 400_000, "large": 400_000}
_HOME = 0.1  # share of the ants' goals that are the task's


@attrs.frozen(eq=False)
class Source:
    """Say how a dataset is made.

    Attributes:
        dataset_id: Minari id that it is kept under.
        env_id: Gymnasium id of the task.
        behaviour: makes the agent that the data is collected with.
        expert: makes the agent whose mean return is scored 100.
        description: what the data is.
        transitions: how many to collect at least.
        pace: transitions a second that one core collects, roughly.
        episode_steps: time limit of an episode while collecting.
        wrap: changes the environment for collecting.
        reference: returns that are scored 0 and 100; None to measure those of
            uniformly random actions and of the expert.
        reference_episodes: number of episodes to measure each with.
        seed: of the collection.
    """

    dataset_id: str
    env_id: str
    behaviour: Callable[[], Agent]
    expert: Callable[[], Agent]
    description: str
    transitions: int = 100_000
    pace: float = 5_000.0
    episode_steps: int = 1000
    wrap: Callable[[Environment], Environment] | None = None
    reference: tuple[float, float] | None = None
    reference_episodes: int = 50
    seed: int = 0


def _wander(maze: Maze) -> Source:
    return Source(
        dataset_id=f"tt/pointmaze/{maze.name}-v0",
        env_id=maze_id(maze.name),
        behaviour=partial(WaypointDriver, maze, DriveConfig(), wander=True),
        expert=partial(WaypointDriver, maze, DriveConfig(noise=0.0), wander=False),
        description=(
            "A point driven along waypoints, with noise, to one random goal after "
            "another; rewards are for one fixed goal."
        ),
        transitions=_TRANSITIONS[maze.name],
    )


def _stitch(maze: Maze) -> Source:
    return Source(
        dataset_id=f"tt/pointmaze/{maze.name}-sparse-v0",
        env_id=maze_id(maze.name, terminate=True),
        behaviour=partial(WaypointDriver, maze, DriveConfig(reach=4), wander=True),
        expert=partial(WaypointDriver, maze, DriveConfig(noise=0.0), wander=False),
        description=(
            "A point driven along waypoints, with noise, to random goals at most 4 "
            "cells away from random cells; no episode leads from the start of the "
            "task to its goal."
        ),
        transitions=_TRANSITIONS[maze.name] // 2,  # of five times the length
        pace=2_000.0,
        episode_steps=pointmaze_steps(maze.name, terminate=True),
        wrap=partial(HalfWays, maze=maze),
        reference=(0.0, 1.0),
    )


def _scatter(maze: Maze) -> Source:
    return Source(
        dataset_id=f"tt/antmaze/{maze.name}-v0",
        env_id=antmaze_id(maze.name),
        behaviour=partial(AntDriver, maze, WalkConfig(home=_HOME), wander=True),
        expert=partial(AntDriver, maze, WalkConfig(noise=0.0), wander=False),
        description=(
            "An ant walked along waypoints, with noise, from random cells to one "
            "random goal after another, one in ten that of the task; an episode "
            "ends in the task's goal, and when the ant is stuck, on its back or not."
        ),
        transitions=_ANT_TRANSITIONS[maze.name],
        pace=1_400.0,
        episode_steps=antmaze_steps(maze.name),
        wrap=partial(ScatteredStarts, maze=maze),
        reference=REFERENCE_RETURNS["antmaze"],
    )


_PENDULUM = Source(
    dataset_id="tt/pendulum/mixed-v0",
    env_id="Pendulum-v1",
    behaviour=partial(PendulumDriver, SwingConfig()),
    expert=partial(PendulumDriver, SwingConfig(random=0.0, noise=0.0)),
    description=(
        "Half of the episodes with uniformly random torques, half swung up by energy, "
        "with noise."
    ),
    episode_steps=200,
)

SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        source.dataset_id: source
        for source in (
            *map(_wander, MAZES.values()),
            *map(_stitch, MAZES.values()),
            *map(_scatter, MAZES.values()),
            _PENDULUM,
        )
    }
)
"""The datasets that are made here, by their id."""


def collect_unless_made(name: str, *, progress: Progress | None = None) -> None:
    """Collect a dataset unless the local cache has it.

    Raises:
        ValueError: if it isn't made here.
    """
    if is_local(name):
        return
    try:
        collect_dataset(find_source(name), progress=progress)
    except (OSError, ValueError):
        if not is_local(name):  # by another process in the meantime
            raise


def find_source(name: str) -> Source:
    """Return how a dataset is made here.

    Raises:
        ValueError: if it isn't made here.
    """
    if name not in SOURCES:
        raise ValueError(f"expected a dataset of {sorted(SOURCES)}, got {name!r}")
    return SOURCES[name]


def behaviour_policy(name: str) -> Agent:
    """Make the agent that a dataset of `SOURCES` is collected with.

    Raises:
        ValueError: if the dataset isn't made here.
    """
    return find_source(name).behaviour()


def expert_policy(name: str) -> Agent:
    """Make the agent that is scored 100 on a dataset of `SOURCES`.

    Raises:
        ValueError: if the dataset isn't made here.
    """
    return find_source(name).expert()


def collect_dataset(source: Source, *, progress: Progress | None = None) -> Path:
    """Collect a dataset into the local Minari cache and return its folder.

    Nothing is written before everything is collected, and then all at once: an
    interrupted collection leaves nothing behind.

    Raises:
        ValueError: if the cache already has it.
    """
    check_unused(source.dataset_id)
    episodes = collect(
        source.behaviour(),
        partial(make_collector, source),
        transitions=source.transitions,
        seed=source.seed,
        progress=progress,
    )
    notes = MinariNotes(
        env=_collection_spec(source),
        eval_env=gym.spec(source.env_id),
        reference=source.reference or measure_reference(source),
        reference_episodes=None if source.reference else source.reference_episodes,
        description=source.description,
        algorithm=type(source.behaviour()).__name__,
        author="tt-bench",
    )
    return write_minari(episodes, source.dataset_id, notes)


def make_collector(source: Source) -> Environment:
    """Make the environment that a dataset is collected in."""
    env: Environment = gym.make(_collection_spec(source))
    return source.wrap(env) if source.wrap else env


def _collection_spec(source: Source) -> EnvSpec:
    spec = copy.deepcopy(gym.spec(source.env_id))
    spec.max_episode_steps = source.episode_steps
    return spec


def measure_reference(source: Source) -> tuple[float, float]:
    """Return the mean return of uniformly random actions and of the expert."""
    make_env = partial(gym.make, source.env_id)
    env = make_env()
    box = env.action_space
    env.close()
    if not isinstance(box, gym.spaces.Box):
        raise ValueError(f"expected a box of actions, got {box} in {source.env_id}")
    seeds = range(source.reference_episodes)
    random, expert = (
        float(evaluate(agent, make_env, seeds).returns.mean(dtype=np.float64))
        for agent in (RandomAgent(box.low, box.high), source.expert())
    )
    return random, expert
