"""How fast the critic trains, next to implicit Q-learning written plainly."""

import time
from collections.abc import Iterator

import numpy as np
import torch

from tt_bench.methods import critic_operations
from tt_bench.speed.machine import Peaks, clock
from tt_bench.speed.record import Measurement
from tt_critic import (
    IQLConfig,
    Networks,
    Progress,
    Transitions,
    as_batch,
    draw_batch,
    make_optimizers,
    train_critic,
    update,
)

OBSERVATION, ACTION, _ROWS = 17, 6, 50_000
_EVERY, _REPORTS, _PLAIN_UPDATES = 50, 5, 60
_CONFIG = IQLConfig(steps=_EVERY * _REPORTS)


def measure_critic(device: str, peaks: Peaks) -> Iterator[Measurement]:
    """Time whole updates, drawing the batch included."""
    data = draw_transitions()
    ours, plain = _train(data, device), _plain(data, device)
    hidden, batch = _CONFIG.hidden[0], _CONFIG.batch
    yield Measurement(
        f"IQL update, batch {batch}",
        ours,
        "plain loop",
        plain,
        peaks.floor(critic_operations(OBSERVATION, ACTION, hidden, batch)),
        f"{1 / ours:,.0f} updates/s",
    )


def draw_transitions() -> Transitions:
    """Draw transitions of a size as halfcheetah's."""
    generator = np.random.default_rng(0)

    def numbers(width: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return generator.uniform(-1, 1, (_ROWS, width)).astype(np.float32)

    return Transitions(
        observations=numbers(OBSERVATION),
        actions=numbers(ACTION),
        rewards=numbers(1)[:, 0],
        next_observations=numbers(OBSERVATION),
        terminations=np.zeros(_ROWS, np.bool_),
    )


def _train(data: Transitions, device: str) -> float:
    marks: list[float] = []

    def on_progress(progress: Progress) -> None:
        del progress
        marks.append(time.perf_counter())

    train_critic(
        data,
        _CONFIG,
        device=device,
        cuda_graph=device.startswith("cuda"),
        on_progress=on_progress,
        report_every=_EVERY,
    )
    return float(np.median(np.diff(marks))) / _EVERY


def _plain(data: Transitions, device: str) -> float:
    """Return the seconds of an update of the plain statement."""
    whole = as_batch(data, device=device)
    networks = Networks(OBSERVATION, ACTION, _CONFIG.hidden).to(device)
    optimizers = make_optimizers(networks, _CONFIG)
    generator = torch.Generator(device).manual_seed(0)

    def step() -> None:
        batch = draw_batch(whole, _CONFIG.batch, generator)
        update(networks, optimizers, batch, _CONFIG)

    return clock(step, device, repeats=_PLAIN_UPDATES, warm=10)
