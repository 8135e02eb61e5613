"""What training reports: one record an epoch, and its progress in between."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs


@attrs.frozen
class Epoch:
    """Record what one epoch came to.

    Attributes:
        epoch: Its number, from 1; the last one may be cut short.
        step: Optimizer steps done at its end.
        training_loss: Mean weighted loss of its steps, each before its update; of
            several devices, on the first one's share.
        held_out: Mean negative log-likelihood of held-out tokens at each position of a
            transition, in nats; empty without held-out data, NaN where there was no
            token to predict.
        parts: The mean of `held_out` over each named part of a transition.
        learning_rate: Of its last step.
        seconds: Time since training began, without interruptions and callbacks.
        cpu_seconds: Processor time of the steps alone, all threads of the process
            together: held-out losses, checkpoints and callbacks are left out.
    """

    epoch: int
    step: int
    training_loss: float
    held_out: tuple[float, ...]
    parts: Mapping[str, float]
    learning_rate: float
    seconds: float
    cpu_seconds: float = 0.0

    @classmethod
    def restore(cls, values: Mapping[str, Any]) -> "Epoch":
        """Rebuild a record from the plain values that `attrs.asdict` made of it."""
        return cls(**{**values, "held_out": tuple(values["held_out"])})


@attrs.frozen
class Progress:
    """Say how far training is.

    Attributes:
        step: Optimizer steps done.
        steps: Optimizer steps in all.
        epoch: Number of the running epoch, from 1.
        loss: Mean loss of the steps since the last report.
        learning_rate: Of the last step.
        tokens_per_second: Predicted tokens, mean since training began or was resumed.
        seconds_left: Time to the last step at that rate.
        seconds: Time since training began, without interruptions and callbacks.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    learning_rate: float
    tokens_per_second: float
    seconds_left: float
    seconds: float = 0.0


class Stopwatch:
    """Measure the rate of steps since it was made, and their processor time.

    Attributes:
        cpu_seconds: Processor time of the steps of this run and the earlier ones.
    """

    def __init__(self, step: int, earlier: float, cpu_seconds: float = 0.0) -> None:
        """Start at a step that was reached after `earlier` seconds."""
        self._step, self._earlier, self._began = step, earlier, time.perf_counter()
        self.cpu_seconds = cpu_seconds

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """Count the processor time of a step."""
        began = time.process_time()
        yield
        self.cpu_seconds += time.process_time() - began

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Leave out the time that something else takes."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._began += time.perf_counter() - began

    def total(self) -> float:
        """Return the seconds of this run and the earlier ones."""
        return self._earlier + time.perf_counter() - self._began

    def per_step(self, step: int) -> float:
        """Return the mean seconds of a step in this run."""
        return (time.perf_counter() - self._began) / max(1, step - self._step)
