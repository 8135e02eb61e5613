"""What a training run has come to, kept in a checkpoint."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import torch

from tt_model._transformer import TrajectoryTransformer
from tt_model.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from tt_model.training.config import TrainConfig
from tt_model.training.data import Sequences, fingerprint
from tt_model.training.divergence import are_finite, divergence, first_not_finite
from tt_model.training.history import Epoch, Progress, Stopwatch
from tt_model.training.optimizer import learning_rate
from tt_model.training.steps import Batches, HeldOut, Learner

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Run:
    """Hold what a training run has come to, and move it on by a step."""

    def __init__(
        self,
        model: TrajectoryTransformer,
        data: Sequences,
        config: TrainConfig,
        held_out: Sequences | None,
        parts: Mapping[str, slice],
        fabric: "Fabric",
    ) -> None:
        """Begin at step 0."""
        vocabulary, size = model.config.vocabulary, model.config.transition
        count = len(data.tokens)
        self.config, self.parts, self.fabric = config, parts, fabric
        self.epoch_steps = config.epoch_steps(count)
        self.learner = Learner(model, config, config.schedule(count), fabric)
        self.batches = Batches(data, vocabulary, config, fabric)
        self.held_out = (
            None if held_out is None else HeldOut(held_out, vocabulary, config, fabric)
        )
        self.settings = {
            "model": model.config.plain(),
            "training": config.result_settings(count, size),
            "data": fingerprint(data),
            "devices": fabric.world_size,
        }
        self.losses = torch.zeros(self.epoch_steps, device=fabric.device)
        self.step = self._sound = 0  # steps done; those of them known to be finite
        self.file: Path | None = None
        self.history: list[Epoch] = []
        self.watch = Stopwatch(0, 0.0)

    def attach(self, file: Path | None) -> None:
        """Keep checkpoints in a file, and continue from the one that is there."""
        self.file = file
        if file is None or not file.exists():
            return
        model, optimizer = self.learner.model, self.learner.optimizer
        found = read_checkpoint(file, self.settings, model, optimizer)
        if found.step > self.config.steps:
            raise ValueError(
                f"{file} was trained for {found.step} steps, more than the "
                f"{self.config.steps} asked for: raise steps, or give another path"
            )
        done = found.step % self.epoch_steps
        try:
            self.history = [Epoch.restore(values) for values in found.history]
            self.losses[:done] = found.losses.to(self.losses.device).view(done)
        except (LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(
                f"{file} does not hold what a training run goes on from: {error}; "
                "delete it to begin anew"
            ) from error
        self.step = self._sound = found.step
        if not (found.losses.isfinite().all() and are_finite(model, optimizer)):
            raise ValueError(
                f"{file} holds numbers that are not finite, from a training that "
                "diverged: delete it, and lower the learning rate"
            )
        self.watch = Stopwatch(found.step, found.seconds, found.cpu_seconds)

    def advance(self) -> Epoch | None:
        """Take one step; return a record if it ended an epoch or the run.

        Raises:
            ValueError: If a loss is not finite. On a CPU each is looked at; elsewhere,
                where that means to wait, before each report, checkpoint and record.
        """
        offset = self.step % self.epoch_steps
        with self.watch.stepping():
            loss = self.learner.update(self.batches.batch(self.step), self.step)
            self.losses[offset] = loss
        self.step += 1
        if self._looks():
            self._check_losses(together=True)
        if offset + 1 < self.epoch_steps and self.step < self.config.steps:
            return None
        self.history.append(self.fabric.broadcast(self._record()))
        return self.history[-1]

    def finish(self) -> None:
        """Check that what was trained is finite.

        Raises:
            ValueError: If a parameter is not, or what the optimizer remembers of it.
        """
        if not are_finite(self.learner.model, self.learner.optimizer):
            raise self._divergence(self.step, "parameters ceased to be finite")

    def save(self) -> None:
        """Write a checkpoint, from the first of several processes.

        Raises:
            ValueError: If there are numbers that are not finite: the last one stays.
        """
        self._check_losses()
        self.finish()
        if self.file is None or not self.fabric.is_global_zero:
            return
        done = self.step % self.epoch_steps
        checkpoint = Checkpoint(
            step=self.step,
            seconds=self.watch.total(),
            settings=self.settings,
            history=[attrs.asdict(epoch) for epoch in self.history],
            losses=self.losses[:done],
            cpu_seconds=self.watch.cpu_seconds,
        )
        write_checkpoint(
            self.file, checkpoint, self.learner.model, self.learner.optimizer
        )

    def progress(self) -> Progress:
        """Return how far the run is; reads the loss, so the device is waited for."""
        last = (self.step - 1) % self.epoch_steps + 1
        recent = self.losses[max(0, last - self.config.report_every) : last]
        loss = float(recent.mean())
        step_seconds = self.watch.per_step(self.step)
        size = self.learner.model.config.transition * self.config.transitions
        return Progress(
            step=self.step,
            steps=self.config.steps,
            epoch=self._epoch(),
            loss=loss,
            learning_rate=learning_rate(self.step - 1, self.learner.schedule),
            tokens_per_second=self.config.batch * size / step_seconds,
            seconds_left=(self.config.steps - self.step) * step_seconds,
            seconds=self.watch.total(),
        )

    def _looks(self) -> bool:
        """Say whether the loss of the last step is looked at."""
        step, config = self.step, self.config
        near = self.fabric.device.type == "cpu" and self.fabric.world_size == 1
        marks = config.report_every, config.checkpoint_every, self.epoch_steps
        return near or step == config.steps or any(step % mark == 0 for mark in marks)

    def _check_losses(self, *, together: bool = False) -> None:
        """Look at the losses of this epoch that were not looked at before.

        Several processes fail `together`, for one alone would keep the others waiting.
        """
        begin = (self.step - 1) // self.epoch_steps * self.epoch_steps
        first = max(self._sound, begin)
        wrong = first_not_finite(self.losses[first - begin : self.step - begin])
        failed = wrong is not None
        if together and self.fabric.world_size > 1:
            flag = torch.tensor(float(failed), device=self.fabric.device)
            failed = bool(self.fabric.all_reduce(flag, reduce_op="sum"))
        if wrong is not None:
            loss = float(self.losses[first - begin + wrong])
            raise self._divergence(first + wrong + 1, f"the loss was {loss}")
        if failed:
            raise self._divergence(self.step, "another process's loss was not finite")
        self._sound = self.step

    def _divergence(self, step: int, what: str) -> ValueError:
        windows = self.batches.count
        kept = self.file if self.file and self.file.exists() else None
        return divergence(step, what, self.config, windows, kept)

    def _record(self) -> Epoch:
        """Measure the epoch that the last step ended."""
        last = (self.step - 1) % self.epoch_steps + 1
        held_out: tuple[float, ...] = ()
        if self.held_out is not None:
            held_out = self.held_out.losses(self.learner)
        if any(map(math.isinf, held_out)):
            raise self._divergence(self.step, "the held-out loss was infinite")
        return Epoch(
            epoch=self._epoch(),
            step=self.step,
            training_loss=float(self.losses[:last].mean()),
            held_out=held_out,
            parts=_average(held_out, self.parts),
            learning_rate=learning_rate(self.step - 1, self.learner.schedule),
            seconds=self.watch.total(),
            cpu_seconds=self.watch.cpu_seconds,
        )

    def _epoch(self) -> int:
        return (self.step - 1) // self.epoch_steps + 1


def _average(
    losses: tuple[float, ...], parts: Mapping[str, slice]
) -> Mapping[str, float]:
    """Return the mean of the losses in each part; nothing without losses."""
    if not losses:
        return {}
    values = torch.tensor(losses, dtype=torch.float64)
    return {name: float(values[part].mean()) for name, part in parts.items()}
