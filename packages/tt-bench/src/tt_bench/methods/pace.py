"""Time the steps of a training until its pace is known."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

_WARM = 2  # reports of a trial until training has come to its pace

_ENOUGH = 5.0  # seconds from there on that tell the pace


class Pace(NamedTuple):
    """Seconds of a step, and those that training takes besides all its steps."""

    step: float
    besides: float = 0.0


class _EnoughError(Exception):
    """Enough steps were timed."""


class Stepped(Protocol):
    """A report of a training, such as those of `tt_model` and `tt_critic`."""

    @property
    def step(self) -> int:
        """Count the steps that are done."""
        ...


def time_steps(train: Callable[..., object]) -> float:
    """Return the seconds of a step, once training has come to its pace.

    `train` is called with `on_progress`, to be called with reports as it goes on.
    """
    marks: list[tuple[int, float]] = []

    def on_progress(progress: Stepped) -> None:
        marks.append((progress.step, time.perf_counter()))
        if len(marks) > _WARM and marks[-1][1] - marks[_WARM - 1][1] >= _ENOUGH:
            raise _EnoughError

    with suppress(_EnoughError):
        train(on_progress=on_progress)
    (first, began), (last, ended) = marks[_WARM - 1], marks[-1]
    return (ended - began) / (last - first)


def time_last(train: Callable[..., object]) -> float:
    """Return the seconds of the last of two steps and of the record that follows."""
    marks: list[float] = []

    def mark(_: object) -> None:
        marks.append(time.perf_counter())

    train(on_progress=mark, on_epoch=mark)
    return marks[1] - marks[0]
