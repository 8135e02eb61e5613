"""The one loop that plays: an agent in environments that end one by one.

Axes: E environments, Do observation numbers, Da action numbers.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from tt_bench.interface import Agent, BoolArray, FloatArray

Environment = gymnasium.Env[Any, Any]


class Moment(NamedTuple):
    """One step of all environments; only rows that are `active` took it.

    Attributes:
        observations: what was acted on [E, Do].
        actions: [E, Da].
        rewards: float64 [E].
        active: whose episode was running [E].
        terminated: [E].
        truncated: [E].
        infos: of each environment; empty where none took the step.
        after: what was seen then [E, Do]; unchanged where none took the step.
        seconds: that the agent took to act.
    """

    observations: FloatArray
    actions: FloatArray
    rewards: NDArray[np.float64]
    active: BoolArray
    terminated: BoolArray
    truncated: BoolArray
    infos: list[dict[str, Any]]
    after: FloatArray
    seconds: float

    @property
    def running(self) -> BoolArray:
        """Whose episode goes on [E]."""
        return self.active & ~(self.terminated | self.truncated)


def reset(envs: Sequence[Environment], seeds: Sequence[int]) -> FloatArray:
    """Begin an episode in each environment; return what is seen [E, Do]."""
    seen = [env.reset(seed=seed)[0] for env, seed in zip(envs, seeds, strict=True)]
    return np.stack(seen).astype(np.float32)


def play(
    agent: Agent, envs: Sequence[Environment], observations: FloatArray, seed: int
) -> Iterator[Moment]:
    """Play from first observations [E, Do] until every episode has ended.

    An environment whose episode has ended is not touched again, and the agent is told
    which rows still count. `seed` is that of the agent's randomness.
    """
    agent.start(len(envs), seed)
    active = np.ones(len(envs), np.bool_)
    while active.any():
        began = time.perf_counter()
        actions = agent.act(observations, active.copy())
        seconds = time.perf_counter() - began
        moment = _step(envs, observations, actions, active, seconds)
        agent.observe(actions, moment.rewards.astype(np.float32), active.copy())
        yield moment
        observations, active = moment.after, moment.running


def _step(
    envs: Sequence[Environment],
    observations: FloatArray,
    actions: FloatArray,
    active: BoolArray,
    seconds: float,
) -> Moment:
    after, rewards = observations.copy(), np.zeros(len(envs))
    terminated, truncated = np.zeros((2, len(envs)), np.bool_)
    infos: list[dict[str, Any]] = [{} for _ in envs]
    for row in np.flatnonzero(active).tolist():
        seen, rewards[row], terminated[row], truncated[row], infos[row] = envs[
            row
        ].step(actions[row])
        after[row] = seen
    return Moment(
        observations,
        actions,
        rewards,
        active,
        terminated,
        truncated,
        infos,
        after,
        seconds,
    )
