"""Play episodes in parallel and count what they return."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import attrs
import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from tt_bench.interface import (
    Agent,
    BoolArray,
    FloatArray,
    IntArray,
    MakeEnv,
)

_FIRST_EPISODE = 10_000  # apart from those that the reference returns are measured with

_SEEDS_APART = 1_000


@attrs.frozen(eq=False)
class Evaluation:
    """What E episodes returned, how long they were and what acting cost.

    `successes` [E] is None where the environment never reports `info["success"]`;
    an episode succeeded if it did at any step. `act_seconds` [S] is the time the
    agent took at each of the S steps, for all running episodes together, and
    `active` [S] how many those were.
    """

    returns: FloatArray
    lengths: IntArray
    successes: BoolArray | None
    act_seconds: FloatArray
    active: IntArray
    seconds: float


class Step(NamedTuple):
    """How far an evaluation is: steps taken, episodes running, mean return so far."""

    step: int
    running: int
    mean_return: float


@attrs.define
class _Tally:
    """Accumulate the outcome of the steps."""

    returns: npt.NDArray[np.float64]
    lengths: IntArray
    successes: BoolArray
    reports_success: bool = False
    act_seconds: list[float] = attrs.field(factory=list)
    active: list[int] = attrs.field(factory=list)

    @classmethod
    def of(cls, count: int) -> "_Tally":
        zeros = np.zeros(count, np.float64)
        return cls(zeros, np.zeros(count, np.int64), np.zeros(count, np.bool_))

    def add(
        self, rewards: npt.NDArray[Any], running: BoolArray, info: dict[str, Any]
    ) -> None:
        self.returns[running] += rewards[running]
        self.lengths[running] += 1
        if "success" in info:
            self.reports_success = True
            reached = np.asarray(info["success"], np.bool_) & info["_success"]
            self.successes |= reached & running

    def finish(self, seconds: float) -> Evaluation:
        return Evaluation(
            returns=self.returns.astype(np.float32),
            lengths=self.lengths,
            successes=self.successes if self.reports_success else None,
            act_seconds=np.asarray(self.act_seconds, np.float32),
            active=np.asarray(self.active, np.int64),
            seconds=seconds,
        )


def evaluate(
    agent: Agent,
    make_env: MakeEnv,
    seeds: Sequence[int],
    *,
    max_steps: int | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Evaluation:
    """Play one episode per seed, all in parallel, until each has ended once.

    An episode that has ended stops counting and the agent is told so; the others go
    on as they were. The agent's own randomness starts from the first seed.

    Args:
        agent: acts on all environments at once.
        make_env: called once per seed; observations and actions must be flat boxes.
        seeds: seed of each episode's environment.
        max_steps: cut episodes after this many steps; needed where the environment
            sets no limit of its own.
        on_step: called after each step.

    Raises:
        ValueError: no seeds, or spaces that are not flat boxes.
    """
    if not seeds:
        raise ValueError("expected at least one seed, got none; give one per episode")
    envs = SyncVectorEnv([make_env] * len(seeds), autoreset_mode=AutoresetMode.DISABLED)
    try:
        _check_spaces(envs)
        return _play(agent, envs, list(seeds), max_steps, on_step)
    finally:
        envs.close()


def _check_spaces(envs: SyncVectorEnv) -> None:
    spaces = {
        "observations": envs.single_observation_space,
        "actions": envs.single_action_space,
    }
    for what, space in spaces.items():
        if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1:
            raise ValueError(
                f"expected {what} in a flat box, got {space}; wrap the environment, "
                f"for example in gymnasium.wrappers.FlattenObservation"
            )


def _play(
    agent: Agent,
    envs: SyncVectorEnv,
    seeds: list[int],
    max_steps: int | None,
    on_step: Callable[[Step], None] | None,
) -> Evaluation:
    began = time.perf_counter()
    tally = _Tally.of(len(seeds))
    running = np.ones(len(seeds), np.bool_)
    observations, _ = envs.reset(seed=list(seeds))
    agent.start(len(seeds), seeds[0])
    while running.any() and len(tally.active) != max_steps:
        tally.active.append(int(running.sum()))
        actions = _timed_act(agent, observations, running, tally.act_seconds)
        observations, rewards, terminated, truncated, info = envs.step(actions)
        tally.add(rewards, running, info)
        agent.observe(actions, rewards.astype(np.float32), running.copy())
        ended = terminated | truncated
        running = running & ~ended
        if running.any() and ended.any():
            observations = _reset(envs, ended)
        if on_step is not None:
            on_step(Step(len(tally.active), int(running.sum()), tally.returns.mean()))
    return tally.finish(time.perf_counter() - began)


def _timed_act(
    agent: Agent, observations: Any, running: BoolArray, seconds: list[float]
) -> FloatArray:
    """Return actions, zero where the episode has ended."""
    began = time.perf_counter()
    actions = agent.act(np.asarray(observations, np.float32), running.copy())
    seconds.append(time.perf_counter() - began)
    return np.where(running[:, None], actions, 0).astype(np.float32)


def _reset(envs: SyncVectorEnv, ended: BoolArray) -> Any:
    """Reset ended environments, whose further steps count for nothing.

    The vector of environments steps all or none, and refuses to step ended ones.
    """
    observations, _ = envs.reset(options={"reset_mask": ended})
    return observations


def episode_seeds(seed: int, episodes: int) -> range:
    """Return the seeds of the episodes that a run with a training seed plays."""
    first = _FIRST_EPISODE + _SEEDS_APART * seed
    return range(first, first + episodes)
