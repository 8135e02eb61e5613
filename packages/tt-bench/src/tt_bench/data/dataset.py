"""A dataset: episodes, the environment they belong to, and how to score in it."""

import hashlib
from collections.abc import Callable
from typing import Any

import attrs
import gymnasium as gym
import numpy as np

from tt_bench.data.episodes import Episodes
from tt_bench.interface import Agent


def check_reference(reference: tuple[float, float]) -> None:
    """Refuse returns that nothing can be scored by.

    Raises:
        ValueError: if they are not two finite numbers that increase.
    """
    if not (np.isfinite(reference).all() and reference[0] < reference[1]):
        raise ValueError(
            "expected a reference (random return, expert return) that increases and "
            f"is finite, got {reference}"
        )


def _validate(_: "Dataset", __: object, reference: tuple[float, float] | None) -> None:
    if reference is not None:
        check_reference(reference)


@attrs.frozen(eq=False)
class Dataset:
    """Hold what a method needs to learn from data and to be scored.

    Attributes:
        name: the id it was asked for by.
        episodes: the data.
        env_id: Gymnasium id of the environment to evaluate in, None if unknown.
        make_env: make that environment with observations flat as in the data; can be
            pickled. Options such as `render_mode` are those of `gymnasium.make`. Raises
            ValueError if the environment is unknown.
        reference: mean return of a random policy and of an expert, None if unknown.
        source: where the data came from, for people.
        observation_keys: the parts of a dictionary observation that the flat
            observation is joined from, empty if it was flat.
        description: what the data's maker says about it.
        behaviour: makes the agent that made the data, None if there is none here.
        expert: makes the agent that is scored 100, None if there is none here.
    """

    name: str
    episodes: Episodes
    env_id: str | None
    make_env: Callable[..., gym.Env[Any, Any]]
    reference: tuple[float, float] | None = attrs.field(validator=_validate)
    source: str
    observation_keys: tuple[str, ...] = ()
    description: str = ""
    behaviour: Callable[[], Agent] | None = None
    expert: Callable[[], Agent] | None = None


def fingerprint(dataset: Dataset) -> str:
    """Return a digest of the episodes."""
    digest = hashlib.blake2b(digest_size=8)
    for part in attrs.astuple(dataset.episodes, recurse=False):
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def describe(dataset: Dataset) -> dict[str, Any]:
    """Say where a dataset came from and how large it is."""
    return {
        "name": dataset.name,
        "source": dataset.source,
        "transitions": len(dataset.episodes),
        "episodes": len(dataset.episodes.ends),
    }
