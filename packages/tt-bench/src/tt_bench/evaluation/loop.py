"""The one loop that plays: an agent in environments that end one by one.

Axes: E environments, Do observation numbers, Da action numbers.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tt_bench.evaluation.exchange import (
    Bounds,
    Environment,
    action_box,
    begin,
    fit_actions,
    send,
)
from tt_bench.interface import Agent, BoolArray, FloatArray


class Moment(NamedTuple):
    """One step of all environments; only rows that are `active` took it.

    Attributes:
        observations: what was acted on [E, Do].
        actions: as they were sent, inside the action space [E, Da].
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
    """Begin an episode in each environment; return what is seen [E, Do].

    Raises:
        ValueError: if observations or actions are no flat boxes, or it doesn't work.
    """
    for env in envs:
        action_box(env)
    return np.stack([begin(env, seed) for env, seed in zip(envs, seeds, strict=True)])


def play(
    agent: Agent, envs: Sequence[Environment], observations: FloatArray, seed: int
) -> Iterator[Moment]:
    """Play from first observations [E, Do] until every episode has ended.

    An environment whose episode has ended is not touched again, and the agent is told
    which rows still count. Every action is put into the action space before it is
    sent, and the agent learns what was sent. `seed` is that of the agent's randomness.

    Raises:
        ValueError: if actions are not finite, or an environment's answers no numbers.
    """
    bounds = Bounds.of(envs)
    agent.start(len(envs), seed)
    active = np.ones(len(envs), np.bool_)
    while active.any():
        began = time.perf_counter()
        actions = agent.act(observations, active.copy())
        seconds = time.perf_counter() - began
        sent = fit_actions(np.asarray(actions), active, bounds)
        moment = _step(envs, observations, sent, active, seconds)
        agent.observe(moment.actions, moment.rewards.astype(np.float32), active.copy())
        yield moment
        observations, active = moment.after, moment.running


def _step(
    envs: Sequence[Environment],
    observations: FloatArray,
    sent: NDArray[Any],
    active: BoolArray,
    seconds: float,
) -> Moment:
    with np.errstate(over="ignore"):  # of rows that have ended
        actions = sent.astype(np.float32)  # before an environment changes its own
    after, rewards = observations.copy(), np.zeros(len(envs))
    terminated, truncated = np.zeros((2, len(envs)), np.bool_)
    infos: list[dict[str, Any]] = [{} for _ in envs]
    for row in np.flatnonzero(active).tolist():
        after[row], rewards[row], terminated[row], truncated[row], infos[row] = send(
            envs[row], sent[row], after.shape[1]
        )
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
