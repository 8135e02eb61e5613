"""Record what an agent does in parallel environments."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from tt_bench.data.episodes import Episodes
from tt_bench.interface import Agent, BoolArray, FloatArray, MakeEnv

Environment = gym.Env[FloatArray, FloatArray]
Progress = Callable[[int, int], None]


class _Episode(NamedTuple):
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
    parallel: int = 20,
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
        ValueError: if no transitions or episodes are asked for.
    """
    if transitions < 1 or parallel < 1:
        raise ValueError(
            "expected at least one transition and one episode at a time, got "
            f"{transitions} and {parallel}"
        )
    episodes: list[_Episode] = []
    done = 0
    envs = [make_env() for _ in range(parallel)]
    try:
        while done < transitions:
            round_ = np.random.SeedSequence((seed, len(episodes)))
            seeds = round_.generate_state(parallel + 1).tolist()
            tell = _tell(progress, done, transitions)
            episodes += _play(agent, envs, seeds, tell)
            done = sum(len(episode.rewards) for episode in episodes)
    finally:
        for env in envs:
            env.close()
    return _join(episodes)


def _tell(
    progress: Progress | None, before: int, transitions: int
) -> Callable[[int], None]:
    def tell(steps: int) -> None:
        if progress is not None:
            progress(min(before + steps, transitions), transitions)

    return tell


def _play(
    agent: Agent,
    envs: Sequence[Environment],
    seeds: Sequence[int],
    tell: Callable[[int], None],
) -> Iterable[_Episode]:
    resets = (env.reset(seed=seed)[0] for env, seed in zip(envs, seeds, strict=False))
    observations = np.stack(list(resets)).astype(np.float32)
    agent.start(len(envs), seeds[-1])
    active, terminated = np.ones((2, len(envs)), np.bool_)
    steps: list[tuple[FloatArray, FloatArray, FloatArray, BoolArray]] = []
    taken = 0
    while active.any():
        actions = agent.act(observations, active)
        after, rewards, ended = _step(envs, observations, actions, active, terminated)
        agent.observe(actions, rewards, active)
        steps.append((observations, actions, rewards, active))
        taken += int(active.sum())
        observations, active = after, active & ~ended
        tell(taken)
    return _cut(steps, observations, terminated)


def _step(
    envs: Sequence[Environment],
    observations: FloatArray,
    actions: FloatArray,
    active: BoolArray,
    terminated: BoolArray,
) -> tuple[FloatArray, FloatArray, BoolArray]:
    after = observations.copy()
    rewards = np.zeros(len(envs), np.float32)
    ended = np.zeros(len(envs), np.bool_)
    for row in np.flatnonzero(active).tolist():
        after[row], rewards[row], terminated[row], truncated, _ = envs[row].step(
            actions[row]
        )
        ended[row] = terminated[row] or truncated
    return after, rewards, ended


def _cut(
    steps: Sequence[tuple[FloatArray, FloatArray, FloatArray, BoolArray]],
    final: FloatArray,
    terminated: NDArray[np.bool_],
) -> Iterable[_Episode]:
    observations, actions, rewards, active = map(np.stack, zip(*steps, strict=True))
    for row, length in enumerate(active.sum(axis=0)):
        yield _Episode(
            np.vstack([observations[:length, row], final[row]]),
            actions[:length, row],
            rewards[:length, row],
            bool(terminated[row]),
        )


def _join(episodes: Sequence[_Episode]) -> Episodes:
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
