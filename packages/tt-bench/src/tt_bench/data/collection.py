"""Record what an agent does in parallel environments."""

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tt_bench.data.episodes import Episodes
from tt_bench.evaluation import Environment, Moment, play, reset
from tt_bench.interface import Agent, FloatArray, MakeEnv

Progress = Callable[[int, int], None]

PARALLEL = 20
"""Episodes of a round, unless said otherwise."""


class Episode(NamedTuple):
    """One episode of T steps."""

    observations: FloatArray  # [T + 1, Do]
    actions: FloatArray  # [T, Da]
    rewards: FloatArray  # [T]
    terminated: bool


def collect(
    agent: Agent,
    make_env: MakeEnv,
    *,
    transitions: int,
    seed: int,
    parallel: int = PARALLEL,
    progress: Progress | None = None,
) -> Episodes:
    """Play whole episodes until there are enough transitions.

    Episodes are played in rounds of `parallel`; the last round is not cut short, so
    there may be more transitions than asked for.

    Args:
        agent: acts in all environments of a round at once.
        make_env: makes an environment that ends its episodes, with flat
            observations.
        transitions: how many to collect at least.
        seed: of the environments and the agent.
        parallel: episodes of a round.
        progress: told the number of transitions so far and the number asked for.

    Raises:
        ValueError: if no whole numbers of transitions and episodes are asked for.
    """
    try:
        least = min(operator.index(transitions), operator.index(parallel))
    except TypeError:  # an infinite number would be collected for ever
        least = 0
    if least < 1:
        raise ValueError(
            "expected at least one transition and one episode at a time, as whole "
            f"numbers, got {transitions!r} and {parallel!r}"
        )
    episodes: list[Episode] = []
    done = 0
    envs = [make_env() for _ in range(parallel)]
    try:
        while done < transitions:
            tell = _tell(progress, done, transitions)
            episodes += play_round(agent, envs, seed, len(episodes), tell)
            done = count_steps(episodes)
    finally:
        for env in envs:
            env.close()
    return join(episodes)


def _tell(
    progress: Progress | None, before: int, transitions: int
) -> Callable[[int], None]:
    def tell(steps: int) -> None:
        if progress is not None:
            progress(min(before + steps, transitions), transitions)

    return tell


def play_round(
    agent: Agent,
    envs: Sequence[Environment],
    seed: int,
    before: int,
    tell: Callable[[int], None],
) -> list[Episode]:
    """Play an episode in each environment.

    Args:
        agent: acts in all of them at once.
        envs: end their episodes.
        seed: of the whole collection.
        before: episodes of the rounds before this one; tells the rounds apart.
        tell: told the steps of this round so far.
    """
    state = np.random.SeedSequence((seed, before)).generate_state(len(envs) + 1)
    *seeds, own = state.tolist()
    moments = []
    taken = 0
    for moment in play(agent, envs, reset(envs, seeds), own):
        moments.append(moment)
        taken += int(moment.active.sum())
        tell(taken)
    return list(_cut(moments))


def count_steps(episodes: Sequence[Episode]) -> int:
    """Count the transitions of episodes."""
    return sum(len(episode.rewards) for episode in episodes)


def _cut(moments: Sequence[Moment]) -> Iterable[Episode]:
    """Take each environment's episode out of the steps of all."""
    observations = np.stack([moment.observations for moment in moments])
    actions = np.stack([moment.actions for moment in moments])
    rewards = np.stack([moment.rewards for moment in moments]).astype(np.float32)
    lengths = np.sum([moment.active for moment in moments], axis=0)
    terminated = np.any([moment.terminated for moment in moments], axis=0)
    for row, length in enumerate(lengths):
        final = moments[-1].after[row]
        yield Episode(
            np.vstack([observations[:length, row], final]),
            actions[:length, row],
            rewards[:length, row],
            bool(terminated[row]),
        )


def join(episodes: Sequence[Episode]) -> Episodes:
    """Put episodes into flat arrays, one after the other."""
    return Episodes(
        observations=np.concatenate(
            [episode.observations[:-1] for episode in episodes]
        ),
        actions=np.concatenate([episode.actions for episode in episodes]),
        rewards=np.concatenate([episode.rewards for episode in episodes]),
        ends=np.cumsum([len(episode.rewards) for episode in episodes]),
        terminated=[episode.terminated for episode in episodes],
        final_observations=[episode.observations[-1] for episode in episodes],
    )
