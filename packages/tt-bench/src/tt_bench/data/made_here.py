"""Collect the datasets that are made here, on first use."""

from functools import partial
from pathlib import Path

import gymnasium as gym
import numpy as np

from tt_bench.agents import RandomAgent
from tt_bench.data.collection import Progress
from tt_bench.data.collection_processes import collect_source
from tt_bench.data.minari_cache import is_local
from tt_bench.data.minari_write import MinariNotes, check_unused, write_minari
from tt_bench.data.source import Source, collection_spec
from tt_bench.data.sources import find_source
from tt_bench.evaluation import evaluate


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


def collect_dataset(source: Source, *, progress: Progress | None = None) -> Path:
    """Collect a dataset into the local Minari cache and return its folder.

    Each core that this process may use plays a share of the episodes. Nothing is
    written before everything is collected, and then all at once: an interrupted
    collection leaves nothing behind.

    Raises:
        ValueError: if the cache already has it.
    """
    check_unused(source.dataset_id)
    episodes = collect_source(source, progress=progress)
    notes = MinariNotes(
        env=collection_spec(source),
        eval_env=gym.spec(source.env_id),
        reference=source.reference or measure_reference(source),
        reference_episodes=None if source.reference else source.reference_episodes,
        description=source.description,
        algorithm=type(source.behaviour()).__name__,
        author="tt-bench",
    )
    return write_minari(episodes, source.dataset_id, notes)


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
