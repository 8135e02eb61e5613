"""Tokenize episodes, and hold some of them out."""

import numpy as np

from tt_bench.data import Episodes
from tt_bench.interface import IntArray
from tt_bench.methods.settings import Recipe
from tt_model import Sequences
from tt_tokenize import Bins, Layout, QuantileBins, UniformBins, join, reward_to_go

HELD_OUT_EVERY = 20


def fit_bins(episodes: Episodes, recipe: Recipe) -> tuple[Bins, Layout, Sequences]:
    """Tokenize episodes: rewards, and values as the recipe discounts them."""
    rewards = episodes.rewards.copy()
    if recipe.termination_reward is not None:
        rewards[episodes.terminations()] = recipe.termination_reward
    values = reward_to_go(rewards, episodes.ends, recipe.discount)
    data = join(episodes.observations, episodes.actions, rewards, values)
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
    episode = np.arange(len(data.ends))
    held = (episode // together + 1) % HELD_OUT_EVERY == 0
    if not held.any():
        return data, None
    return _take(data, episode[~held]), _take(data, episode[held])


def _take(data: Sequences, chosen: IntArray) -> Sequences:
    lengths = np.diff(data.ends, prepend=0)
    starts = data.ends - lengths
    rows = np.concatenate([np.arange(starts[e], data.ends[e]) for e in chosen])
    return Sequences(
        data.tokens[rows], lengths[chosen].cumsum(), data.terminated[chosen]
    )
