"""Choose episodes to train on and to ask about, whole or with numbers masked.

Axes: N transitions, E episodes, S starts, L steps, Do and Da numbers of an observation
and an action.
"""

from typing import NamedTuple

import attrs
import numpy as np

from tt_bench.data import Episodes
from tt_bench.interface import BoolArray, FloatArray, IntArray
from tt_bench.methods import HELD_OUT_EVERY, held_out_of


def held_out(episodes: Episodes) -> BoolArray:
    """Mark the episodes [E] that the transformer is not trained on.

    Raises:
        ValueError: there are so few that none is held out.
    """
    count = len(episodes.ends)
    if count < HELD_OUT_EVERY:
        raise ValueError(
            f"expected at least {HELD_OUT_EVERY} episodes, of which one is held out, "
            f"got {count}: choose another --dataset"
        )
    return held_out_of(count)


def take(episodes: Episodes, chosen: BoolArray) -> Episodes:
    """Return the chosen episodes [E] alone."""
    rows = np.repeat(chosen, episodes.lengths)
    return Episodes(
        observations=episodes.observations[rows],
        actions=episodes.actions[rows],
        rewards=episodes.rewards[rows],
        ends=episodes.lengths[chosen].cumsum(),
        terminated=episodes.terminated[chosen],
        final_observations=episodes.final_observations[chosen],
    )


def visible_numbers(episodes: Episodes, seed: int) -> BoolArray:
    """Draw which half of the observation's numbers each episode shows: [E, Do]."""
    draws = np.random.default_rng(seed)
    size = episodes.observations.shape[1]
    order = draws.random((len(episodes.ends), size)).argsort(1)
    shown: BoolArray = order < -(-size // 2)
    return shown


def mask(episodes: Episodes, shown: BoolArray) -> Episodes:
    """Put their mean in the place of the numbers that an episode does not show."""
    mean = episodes.observations.mean(0)
    rows = np.repeat(shown, episodes.lengths, 0)
    return attrs.evolve(
        episodes,
        observations=np.where(rows, episodes.observations, mean),
        final_observations=np.where(shown, episodes.final_observations, mean),
    )


class Replays(NamedTuple):
    """Pieces of episodes, each with some steps that are known, and some to imagine."""

    rows: IntArray  # [S, known + steps], rows of the episodes
    episode: IntArray  # [S]


def draw_replays(
    episodes: Episodes, chosen: BoolArray, known: int, steps: int, count: int, seed: int
) -> Replays:
    """Draw pieces of `known + steps` rows from the chosen episodes [E].

    They start evenly among all places where there is room.

    Raises:
        ValueError: no chosen episode is long enough.
    """
    room = episodes.lengths - (known + steps) + 1
    room = np.where(chosen, room.clip(min=0), 0)
    if not room.sum():
        raise ValueError(
            f"expected a held-out episode of {known + steps} steps, the longest has "
            f"{episodes.lengths[chosen].max()}: imagine fewer --steps-ahead"
        )
    places = np.random.default_rng(seed).integers(room.sum(), size=count)
    ends = room.cumsum()
    episode = np.searchsorted(ends, places, side="right")
    first = episodes.ends - episodes.lengths
    begin = first[episode] + places - (ends - room)[episode]
    return Replays(begin[:, None] + np.arange(known + steps), episode)


def pieces(array: FloatArray, replays: Replays) -> FloatArray:
    """Return the rows of an array [N, ...] that were drawn: [S, known + steps, ...]."""
    found: FloatArray = array[replays.rows]
    return found
