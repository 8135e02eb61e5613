"""Datasets that are made here on first use."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from tt_bench.catalogue import REFERENCE_RETURNS
from tt_bench.data.source import Source
from tt_bench.interface import Agent
from tt_bench.tasks import (
    MAZES,
    AntDriver,
    DriveConfig,
    HalfWays,
    Maze,
    PendulumDriver,
    ScatteredStarts,
    SwingConfig,
    WalkConfig,
    WaypointDriver,
    antmaze_id,
    antmaze_steps,
    maze_id,
    pointmaze_steps,
)

_TRANSITIONS = {"umaze": 100_000, "medium": 200_000, "large": 400_000}
_ANT_TRANSITIONS = {"umaze": 300_000, "medium": 400_000, "large": 400_000}
_HOME = 0.1  # share of the ants' goals that are the task's


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
