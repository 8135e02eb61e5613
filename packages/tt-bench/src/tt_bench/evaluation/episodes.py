"""Play episodes in parallel and count what they return."""

import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

import attrs
import gymnasium
import numpy as np
import numpy.typing as npt

from tt_bench.evaluation.loop import Environment, Moment, play, reset
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

    def add(self, moment: Moment) -> None:
        active = moment.active
        self.returns[active] += moment.rewards[active]
        self.lengths[active] += 1
        self.act_seconds.append(moment.seconds)
        self.active.append(int(active.sum()))
        for row, info in enumerate(moment.infos):
            if "success" in info:
                self.reports_success = True
                self.successes[row] |= bool(info["success"])

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
    envs = [make_env() for _ in seeds]
    try:
        _check_spaces(envs[0])
        return _play(agent, envs, list(seeds), max_steps, on_step)
    finally:
        for env in envs:
            env.close()


def _check_spaces(env: Environment) -> None:
    spaces = {"observations": env.observation_space, "actions": env.action_space}
    for what, space in spaces.items():
        if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1:
            raise ValueError(
                f"expected {what} in a flat box, got {space}; wrap the environment, "
                f"for example in gymnasium.wrappers.FlattenObservation"
            )


def _play(
    agent: Agent,
    envs: list[Environment],
    seeds: list[int],
    max_steps: int | None,
    on_step: Callable[[Step], None] | None,
) -> Evaluation:
    began = time.perf_counter()
    tally = _Tally.of(len(seeds))
    moments = play(agent, envs, reset(envs, seeds), seeds[0])
    for moment in islice(moments, max_steps):
        tally.add(moment)
        if on_step is not None:
            running = int(moment.running.sum())
            on_step(Step(len(tally.active), running, tally.returns.mean()))
    return tally.finish(time.perf_counter() - began)


def episode_seeds(seed: int, episodes: int) -> range:
    """Return the seeds of the episodes that a run with a training seed plays."""
    first = _FIRST_EPISODE + _SEEDS_APART * seed
    return range(first, first + episodes)
