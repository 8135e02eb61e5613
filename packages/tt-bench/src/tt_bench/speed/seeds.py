"""How fast networks of several seeds learn at once, beside one after the other."""

import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np

from tt_bench.data import Episodes
from tt_bench.methods import (
    CloningConfig,
    clone,
    clone_all,
    critic_operations,
)
from tt_bench.speed.critic import ACTION, OBSERVATION, draw_transitions
from tt_bench.speed.machine import Peaks, wait
from tt_bench.speed.record import Measurement
from tt_critic import IQLConfig, Transitions, train_critics

_SEEDS = (0, 1, 2)
_EVERY, _REPORTS, _TRIALS = 10, 8, 3
_STEPS = _EVERY * _REPORTS
_EPISODE = 1_000  # steps
_SIZES = (256, 64)  # units of both hidden layers, and transitions of a batch

_Mark = Callable[[object], None]


def measure_seeds(device: str, peaks: Peaks) -> Iterator[Measurement]:
    """Time an update of three critics, and a step of three clones."""
    data = draw_transitions()
    for width in _SIZES:
        floor = peaks.floor(3 * critic_operations(OBSERVATION, ACTION, width, width))
        times = _time_critics(data, width, device)
        yield _measurement("IQL", width, times, floor)
    for width in _SIZES:
        times = _time_clones(data, width, device)
        yield _measurement("clone", width, times, 0.0)


def _measurement(
    what: str, width: int, times: tuple[float, float], floor: float
) -> Measurement:
    together, alone = times
    name = f"{what}, 3 seeds at once, {width}"
    return Measurement(
        name,
        together,
        "one by one",
        len(_SEEDS) * alone,
        floor,
        f"{1 / together:,.0f}/s",
    )


def _time_critics(data: Transitions, width: int, device: str) -> tuple[float, float]:
    config = IQLConfig(steps=_STEPS, hidden=(width, width), batch=width)

    def train(seeds: tuple[int, ...]) -> Callable[[_Mark], None]:
        def run(mark: _Mark) -> None:
            train_critics(
                data,
                config,
                seeds,
                device=device,
                cuda_graph=device.startswith("cuda"),
                on_progress=mark,
                report_every=_EVERY,
            )

        return run

    return _alternately(train(_SEEDS), train(_SEEDS[:1]), device)


def _time_clones(data: Transitions, width: int, device: str) -> tuple[float, float]:
    config = CloningConfig(_STEPS, batch=width, width=width)
    episodes = _as_episodes(data)

    def at(mark: _Mark) -> Callable[[int], None]:
        return lambda step: None if step % _EVERY else mark(step)

    def together(mark: _Mark) -> None:
        clone_all(episodes, config, seeds=_SEEDS, device=device, on_step=at(mark))

    def alone(mark: _Mark) -> None:
        look = at(mark)
        clone(
            episodes, config, seed=0, device=device, on_step=lambda one: look(one.step)
        )

    return _alternately(together, alone, device)


def _as_episodes(data: Transitions) -> Episodes:
    rows = np.arange(_EPISODE, len(data.rewards) + 1, _EPISODE)
    return Episodes(
        observations=data.observations,
        actions=data.actions,
        rewards=data.rewards,
        ends=rows,
        terminated=np.zeros(len(rows), np.bool_),
        final_observations=data.next_observations[rows - 1],
    )


def _alternately(
    first: Callable[[_Mark], None], second: Callable[[_Mark], None], device: str
) -> tuple[float, float]:
    """Return the median seconds of a step of both, run in turn."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(_TRIALS):
        for run, seconds in zip((first, second), taken, strict=True):
            marks: list[float] = []

            def mark(_: object, marks: list[float] = marks) -> None:
                wait(device)
                marks.append(time.perf_counter())

            run(mark)
            seconds += np.diff(marks)[1:].tolist()
    return median(taken[0]) / _EVERY, median(taken[1]) / _EVERY
