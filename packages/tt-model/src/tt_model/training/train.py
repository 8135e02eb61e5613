"""The training loop: steps, records of them and checkpoints."""

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from tt_model._device import usable_device
from tt_model._transformer import TrajectoryTransformer, unwrap
from tt_model.training.config import TrainConfig
from tt_model.training.data import Sequences, as_arrays, check_sequences
from tt_model.training.devices import make_fabric, matmuls
from tt_model.training.history import Epoch, Progress
from tt_model.training.interrupt import held_interrupts
from tt_model.training.run import Run

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def train(
    model: nn.Module,
    data: Sequences,
    config: TrainConfig,
    *,
    held_out: Sequences | None = None,
    parts: Mapping[str, slice] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    device: str | torch.device | None = None,
    fabric: "Fabric | None" = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> tuple[Epoch, ...]:
    """Train a model in place to predict the next token of a trajectory.

    Every transition of every episode begins a window; an epoch reads each window once,
    in an order that the seed decides. On a CPU with a given number of threads a run
    that continues from a checkpoint ends with the same bits as one never stopped. The
    global random state is left as it was found, the model in evaluation mode.

    Args:
        model: The TrajectoryTransformer to train, or what `torch.compile` or a parallel
            module made of it; `compile` in the settings and `fabric` do their work.
        data: Tokens of the model's vocabulary and transition.
        config: How to train.
        held_out: Sequences to measure the negative log-likelihood on each epoch, of
            every recorded token except the first of an episode.
        parts: Slices of a transition to average it over, by name.
        checkpoint: File to write every `checkpoint_every` steps, at the end and on
            Ctrl-C or SIGTERM; where it exists, training continues from it.
        device: Where to train; where the model is by default.
        fabric: A launched lightning_fabric.Fabric, to train on several devices,
            instead of `device`; it decides the precision. Every process calls back.
        on_progress: Called every `report_every` steps and after the last.
        on_epoch: Called with each new record.

    Returns:
        The record of every epoch, those before the checkpoint included.

    Raises:
        ValueError: If data, settings and model do not fit together, or the checkpoint
            is damaged or belongs to a run with other settings or data, or training
            diverges: the last checkpoint stays as it was.
        KeyboardInterrupt: On Ctrl-C or SIGTERM, once the step is done and the
            checkpoint written.
    """
    network = unwrap(model)
    data = as_arrays(data)
    held_out = None if held_out is None else as_arrays(held_out)
    _check(network, data, config, held_out)
    fabric = _choose(network, config, device, fabric)
    gpus = [fabric.device] if fabric.device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus), matmuls(config.precision):
        try:
            run = Run(network, data, config, held_out, parts or {}, fabric)
            run.attach(None if checkpoint is None else Path(checkpoint))
            _loop(run, on_progress, on_epoch)
        finally:
            network.eval()
    return tuple(run.history)


def _loop(
    run: Run,
    on_progress: Callable[[Progress], None] | None,
    on_epoch: Callable[[Epoch], None] | None,
) -> None:
    """Advance a run to its end, with reports and checkpoints after the steps.

    What a checkpoint holds has been reported: who is killed in between reports again.
    """
    steps, config = run.config.steps, run.config
    with held_interrupts() as interrupted:
        while run.step < steps:
            record = run.advance()
            last = run.step == steps
            try:
                if on_epoch is not None and record is not None:
                    with run.watch.stopped():
                        on_epoch(record)
                if on_progress and (last or run.step % config.report_every == 0):
                    progress = run.progress()
                    with run.watch.stopped():
                        on_progress(progress)
            except KeyboardInterrupt:
                run.save()
                raise
            stopped = interrupted.is_set()
            if last or stopped or run.step % config.checkpoint_every == 0:
                run.save()
            if stopped:
                raise KeyboardInterrupt


def _choose(
    model: TrajectoryTransformer,
    config: TrainConfig,
    device: str | torch.device | None,
    fabric: "Fabric | None",
) -> "Fabric":
    """Return the caller's Fabric, or one for the device asked for."""
    if fabric is None:
        own = next(model.parameters()).device
        return make_fabric(usable_device(device or own), config.precision)
    if device is not None:
        raise ValueError("give a device or a Fabric, not both: a Fabric has its device")
    if config.batch % fabric.world_size:
        raise ValueError(
            f"expected a batch that {fabric.world_size} devices can share evenly; got "
            f"{config.batch}: batch counts the windows of all devices together"
        )
    return fabric


def _check(
    model: TrajectoryTransformer,
    data: Sequences,
    config: TrainConfig,
    held_out: Sequences | None,
) -> None:
    """Refuse data and settings that do not fit the model."""
    shape = model.config
    for sequences in (data, held_out):
        if sequences is not None:
            check_sequences(sequences, shape.vocabulary, shape.transition)
    config.weights(shape.transition)
    if shape.positions == "learned" and config.transitions > shape.span:
        raise ValueError(
            f"learned positions cover {shape.span} transitions, so windows cannot have "
            f"{config.transitions}: lower transitions or raise the model's span"
        )
