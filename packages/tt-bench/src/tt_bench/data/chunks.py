"""Join steps of an environment into chunks, for everything that learns."""

import numpy as np

from tt_bench.data.episodes import Episodes


def chunk_episodes(episodes: Episodes, length: int) -> Episodes:
    """Join every `length` steps in a row into one transition.

    Each episode becomes `length` of them, one after the other, which begin at its
    first `length` steps, so that nearly every step begins a transition. Actions are
    joined in order [N, K * Da], rewards added up. The chunk in which an episode
    terminates may be shorter: the actions that it lacks are zeros. One that the end of
    a truncated episode cuts is left out, and so are episodes too short for `length`
    beginnings.

    Raises:
        ValueError: if all episodes are too short.
    """
    if length == 1:
        return episodes
    needed = np.where(episodes.terminated, length, 2 * length - 1)
    kept = np.flatnonzero(episodes.lengths >= needed)
    if not len(kept):
        raise ValueError(
            f"expected an episode long enough for chunks of {length} steps, the "
            f"longest has {episodes.lengths.max()}: give a smaller --chunk"
        )
    parts = [
        _from(episodes, int(episode), first, length)
        for episode in kept
        for first in range(length)
    ]
    return Episodes(
        observations=np.concatenate([part.observations for part in parts]),
        actions=np.concatenate([part.actions for part in parts]),
        rewards=np.concatenate([part.rewards for part in parts]),
        ends=np.cumsum([len(part) for part in parts]),
        terminated=np.concatenate([part.terminated for part in parts]),
        final_observations=np.concatenate([part.final_observations for part in parts]),
    )


def _from(episodes: Episodes, episode: int, first: int, length: int) -> Episodes:
    """Return the chunks of one episode that begin at its step `first`."""
    end = int(episodes.ends[episode])
    begin = end - int(episodes.lengths[episode]) + first
    ended = bool(episodes.terminated[episode])
    count = -(-(end - begin) // length) if ended else (end - begin) // length
    stop = min(end, begin + count * length)
    missing = begin + count * length - stop
    actions = np.pad(episodes.actions[begin:stop], ((0, missing), (0, 0)))
    rewards = np.pad(episodes.rewards[begin:stop], (0, missing))
    with np.errstate(over="ignore"):  # refused as infinite
        sums = rewards.reshape(count, length).sum(1)
    final = (
        episodes.final_observations[episode]
        if stop == end
        else episodes.observations[stop]
    )
    return Episodes(
        observations=episodes.observations[begin:stop:length],
        actions=actions.reshape(count, -1),
        rewards=sums,
        ends=[count],
        terminated=[ended],
        final_observations=final[None],
    )
