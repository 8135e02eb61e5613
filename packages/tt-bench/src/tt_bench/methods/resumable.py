"""Train modules step by step in a folder, going on where a training was stopped."""

import copy
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tt_bench.files import (
    checksum,
    first_line,
    make_once,
    read_arrays,
    write_arrays,
    written_whole,
)
from tt_bench.interface import Advance
from tt_bench.methods.pace import Pace, time_steps
from tt_bench.methods.spent import Clock
from tt_bench.methods.training_log import TrainingLog, is_logged
from tt_bench.methods.watch import Watch

_CHECKPOINT, _CHECKSUM = "checkpoint.npz", "checksum"
_KEPT_EVERY = 2_000  # steps
_REPORTED_EVERY = 20
_TRIAL = 200_000  # steps of a trial at most


@attrs.define
class Training:
    """A training, with everything that its next step depends on.

    Attributes:
        modules: what is trained, by name.
        optimizers: of their parameters, by name.
        draws: source of all randomness.
        update: makes the step of this number, from 0, and returns a loss.
        steps: made so far.
        seconds: spent so far.
    """

    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    draws: torch.Generator
    update: Callable[[int], Tensor]
    steps: int = 0
    seconds: float = 0.0

    def copied(self) -> dict[str, nn.Module]:
        """Copy the modules, to act with them in the middle of a training."""
        return {n: copy.deepcopy(m).eval() for n, m in self.modules.items()}


class _Report(NamedTuple):
    step: int


def train_in(
    folder: Path,
    file: str,
    training: Training,
    steps: int,
    advance: Advance,
    watch: Watch | None = None,
) -> None:
    """Train to so many steps, or load the file of the training that was.

    Args:
        folder: where the file is written at the end, and a checkpoint and a log on the
            way.
        file: name of the file, which ends with .npz.
        training: as begun; it is changed to what it is at the end.
        steps: to train.
        advance: is told the steps and the loss.
        watch: scores the modules.

    Raises:
        ValueError: a file is damaged or of another training, or this one diverges.
    """
    finished = folder / file
    make_once(
        finished,
        partial(_train, training, finished, steps, advance, watch or Watch()),
        scaffold=(_CHECKPOINT,),
        waiting=lambda: advance(0, "another process trains it"),
    )
    if training.steps < steps:  # it was trained by others
        load_training(training, finished)


def _train(
    training: Training, finished: Path, steps: int, advance: Advance, watch: Watch
) -> None:
    checkpoint = finished.with_name(_CHECKPOINT)
    if checkpoint.exists():
        load_training(training, checkpoint)
    with watch.opened(finished.parent, ("loss",)) as log:
        report = partial(_report, training, steps, advance, log, watch)
        _loop(training, steps, report, checkpoint)
    save_training(training, finished)


def _loop(
    training: Training, steps: int, report: Callable[[float], None], checkpoint: Path
) -> None:
    """Make the steps that are left, reported before a checkpoint has them."""
    clock = Clock(training.seconds)
    while training.steps < steps:
        loss = training.update(training.steps)
        training.steps += 1
        training.seconds = clock.seconds()
        if training.steps % _REPORTED_EVERY == 0 or training.steps == steps:
            with clock.stopped():
                report(float(loss.detach()))
        if training.steps % _KEPT_EVERY == 0:
            save_training(training, checkpoint)


def _report(
    training: Training,
    steps: int,
    advance: Advance,
    log: TrainingLog,
    watch: Watch,
    loss: float,
) -> None:
    """Say how far a training is, and log some of that."""
    step = training.steps
    since = (step - 1) // _REPORTED_EVERY * _REPORTED_EVERY
    _check_loss(loss, step, steps)
    scores = watch.scores(step, since, training.copied)
    if scores or is_logged(step, since, steps):
        log.write(step, {"seconds": training.seconds, "loss": loss, **scores})
    advance(step, f"loss {loss:.3g}")


def _check_loss(loss: float, step: int, steps: int) -> None:
    if not math.isfinite(loss):
        first = (step - 1) // _REPORTED_EVERY * _REPORTED_EVERY + 1
        raise ValueError(
            f"training diverged: the loss was {loss} at step {step} of {steps} and "
            f"finite before step {first}; lower the learning rate or scale the "
            "rewards down; the last good checkpoint stays"
        )


def time_training(training: Training) -> Pace:
    """Time a few steps of a training that was just begun."""

    def train(*, on_progress: Callable[[_Report], None]) -> None:
        for step in range(_TRIAL):
            training.update(step)
            if (step + 1) % _REPORTED_EVERY == 0:
                on_progress(_Report(step + 1))

    return Pace(time_steps(train))


def save_training(training: Training, path: Path) -> None:
    """Write a training, whole or not at all.

    Raises:
        ValueError: it has numbers that are not finite: what was there stays.
    """
    parts = {"draws": training.draws.get_state()}
    for name, module in training.modules.items():
        parts |= {f"{name}/{key}": part for key, part in module.state_dict().items()}
    for name, optimizer in training.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            parts |= {f"{name}/{index}/{key}": part for key, part in state.items()}
    arrays: dict[str, Any] = {name: part.cpu().numpy() for name, part in parts.items()}
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(
                f"training diverged: {name} is not finite after step {training.steps}; "
                "lower the learning rate or scale the rewards down; the last good "
                "checkpoint stays"
            )
    numbers = {"steps": training.steps, "seconds": training.seconds}
    arrays |= {name: np.array(number) for name, number in numbers.items()}
    digest = np.array(checksum("", arrays))
    with written_whole(path) as unfinished:
        unfinished.write_bytes(write_arrays({**arrays, _CHECKSUM: digest}))


def load_training(training: Training, path: Path) -> None:
    """Go on from such a file; those of earlier versions have no checksum.

    Raises:
        ValueError: the file is damaged, altered or of another training.
    """
    try:
        arrays = read_arrays(path.read_bytes())
        digest = arrays.pop(_CHECKSUM, None)
        if digest is not None and str(digest) != checksum("", arrays):
            raise ValueError("its content is not what was written")
        _restore(training, {k: torch.from_numpy(a) for k, a in arrays.items()})
    except (LookupError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: cut short or not of this training ({first_line(error)}); delete "
            "it and give the same command to train again"
        ) from error


def _restore(training: Training, parts: dict[str, Tensor]) -> None:
    for name, module in training.modules.items():
        module.load_state_dict(_below(parts, name))
    for name, optimizer in training.optimizers.items():
        content = optimizer.state_dict()
        for key, part in _below(parts, name).items():
            index, _, field = key.partition("/")
            content["state"].setdefault(int(index), {})[field] = part
        optimizer.load_state_dict(content)
    training.draws.set_state(parts["draws"])
    training.steps, training.seconds = int(parts["steps"]), float(parts["seconds"])


def _below(parts: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}/"
    return {k.removeprefix(prefix): v for k, v in parts.items() if k.startswith(prefix)}
