"""Tokenize episodes, and hold some of them out."""

import numpy as np

from tt_bench.data import Episodes
from tt_bench.interface import BoolArray, FloatArray, IntArray
from tt_bench.methods.settings import Recipe
from tt_model import Sequences
from tt_tokenize import Bins, Layout, QuantileBins, UniformBins, join, reward_to_go

HELD_OUT_EVERY = 20


def rewards_with_end(episodes: Episodes, termination: float | None) -> FloatArray:
    """Return the rewards [N], those of terminations replaced if there is another."""
    rewards: FloatArray = episodes.rewards.copy()
    if termination is not None:
        rewards[episodes.terminations()] = termination
    return rewards


def as_rows(episodes: Episodes, recipe: Recipe) -> FloatArray:
    """Return the numbers that a recipe makes tokens of, with values: [N, P]."""
    rewards = rewards_with_end(episodes, recipe.termination_reward)
    values = reward_to_go(rewards, episodes.ends, recipe.discount)
    return join(episodes.observations, episodes.actions, rewards, values)


def fit_bins(episodes: Episodes, recipe: Recipe) -> tuple[Bins, Layout, Sequences]:
    """Tokenize episodes: rewards, and values as the recipe discounts them."""
    data = as_rows(episodes, recipe)
    kind = QuantileBins if recipe.tokenizer.kind == "quantile" else UniformBins
    bins = kind.fit(data, bins=recipe.tokenizer.bins)
    layout = Layout(episodes.observations.shape[1], episodes.actions.shape[1])
    return (
        bins,
        layout,
        Sequences(bins.encode(data), episodes.ends, episodes.terminated),
    )


def split(data: Sequences, together: int = 1) -> tuple[Sequences, Sequences | None]:
    """Hold out every twentieth episode; None where there are fewer.

    Where so many in a row were one episode that was cut into chunks, they stay
    `together`.
    """
    held = held_out_of(len(data.ends), together)
    if not held.any():
        return data, None
    return _take(data, np.flatnonzero(~held)), _take(data, np.flatnonzero(held))


def held_out_of(count: int, together: int = 1) -> BoolArray:
    """Mark which of so many episodes are held out, each `together` rows: [count]."""
    marks: BoolArray = (np.arange(count) // together + 1) % HELD_OUT_EVERY == 0
    return marks


def _take(data: Sequences, chosen: IntArray) -> Sequences:
    lengths = np.diff(data.ends, prepend=0)
    starts = data.ends - lengths
    rows = np.concatenate([np.arange(starts[e], data.ends[e]) for e in chosen])
    return Sequences(
        data.tokens[rows], lengths[chosen].cumsum(), data.terminated[chosen]
    )
