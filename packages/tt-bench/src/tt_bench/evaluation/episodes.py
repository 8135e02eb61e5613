"""Play episodes in parallel and count what they return."""

import operator
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

import attrs
import numpy as np
import numpy.typing as npt

from tt_bench.evaluation.exchange import Environment, succeeded
from tt_bench.evaluation.loop import Moment, play, reset
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

    `successes` [E] is None where the environment never reports `info["success"]` or
    `info["is_success"]`; an episode succeeded if it did at any step. `act_seconds`
    [S] is the time the agent took at each of the S steps, for all running episodes
    together, and `active` [S] how many those were.
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
            success = succeeded(info)
            if success is not None:
                self.reports_success = True
                self.successes[row] |= success

    def finish(self, seconds: float) -> Evaluation:
        most = np.abs(self.returns).max()
        if most > np.finfo(np.float32).max:
            raise ValueError(f"expected returns of float32, got {most}, beyond float32")
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
        ValueError: no seeds, spaces that are not flat boxes, actions that are not
            finite, or an environment whose answers are no numbers.
    """
    numbers = whole_seeds(seeds)
    if not numbers:
        raise ValueError("expected at least one seed, got none; give one per episode")
    if max_steps is not None and max_steps < 1:
        raise ValueError(f"expected max_steps of at least 1 or None, got {max_steps}")
    envs = [make_env() for _ in numbers]
    try:
        return _play(agent, envs, numbers, max_steps, on_step)
    finally:
        for env in envs:
            env.close()


def whole_seeds(seeds: Sequence[int]) -> list[int]:
    """Return seeds as whole numbers of at least 0.

    Raises:
        ValueError: one is not.
    """
    try:
        numbers = [int(operator.index(seed)) for seed in seeds]
    except TypeError:
        numbers = [-1]
    if min(numbers, default=0) < 0:
        raise ValueError(f"expected seeds that are whole numbers from 0, got {seeds!r}")
    return numbers


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
