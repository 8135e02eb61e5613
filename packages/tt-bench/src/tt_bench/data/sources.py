"""Datasets that are made here on first use."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from tt_bench.data.ant_sources import ANT_SOURCES
from tt_bench.data.source import Source
from tt_bench.interface import Agent
from tt_bench.tasks import (
    FOUR_ROOMS,
    FOUR_ROOMS_ID,
    MAZES,
    DriveConfig,
    HalfWays,
    Maze,
    PendulumDriver,
    SwingConfig,
    Wandering,
    WaypointDriver,
    maze_id,
    pointmaze_steps,
)

_TRANSITIONS = {"umaze": 100_000, "medium": 200_000, "large": 400_000}
# Of the ant of gymnasium-robotics, five times as strong as D4RL's: names that were
# made here once, and what there is now.
_RETIRED = {f"tt/antmaze/{maze}-v0": f"tt/antmaze/{maze}-diverse-v0" for maze in MAZES}


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


_ROOMS = Source(
    dataset_id="tt/fourrooms/wander-v0",
    env_id=FOUR_ROOMS_ID,
    behaviour=partial(WaypointDriver, FOUR_ROOMS, DriveConfig(), wander=True),
    expert=partial(WaypointDriver, FOUR_ROOMS, DriveConfig(noise=0.0), wander=False),
    description=(
        "A point driven along waypoints through four rooms, with noise, to one random "
        "goal after another that is not told; there are no rewards."
    ),
    pace=2_000.0,
    wrap=Wandering,
    reference=(0.0, 1.0),
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
            *ANT_SOURCES,
            _ROOMS,
            _PENDULUM,
        )
    }
)
"""The datasets that are made here, by their id."""


def find_source(name: str) -> Source:
    """Return how a dataset is made here.

    Raises:
        ValueError: if it isn't made here, or not any more.
    """
    if name in _RETIRED:
        raise ValueError(
            f"expected a dataset that is still made here, {name} is not: its ant was "
            f"five times as strong as D4RL's; use {_RETIRED[name]}, or put a copy of "
            "the old one into Minari's cache (MINARI_DATASETS_PATH)"
        )
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
