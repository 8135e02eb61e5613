"""Train a critic from transitions, with checkpoints that continue exactly."""

import logging
import math
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy.typing as npt
import torch

from tt_critic._checkpoint import Checkpoint
from tt_critic._config import IQLConfig
from tt_critic._critic import Critic
from tt_critic._device import usable_device
from tt_critic._interrupt import held_interrupts
from tt_critic._learner import Learner
from tt_critic._transitions import (
    Bounds,
    Transitions,
    check_data,
    pack,
)

_LOG = logging.getLogger("tt_critic")


class Progress(NamedTuple):
    """Say how far training is; losses are those of the last batch.

    Attributes:
        step: Updates done.
        steps: Updates in all.
        value_loss: Expectile loss of V.
        q_loss: Squared Bellman errors of both Q, summed.
        policy_loss: Weighted negative log-likelihood.
        critic: Makes a critic of what is trained so far.
    """

    step: int
    steps: int
    value_loss: float
    q_loss: float
    policy_loss: float
    critic: Callable[[], Critic]


def log_progress(progress: Progress) -> None:
    """Write one line to the logger ``tt_critic``, at level INFO."""
    _LOG.info(
        "update %d of %d: V loss %.4g, Q loss %.4g, policy loss %.4g", *progress[:5]
    )


def train_critic(
    transitions: Transitions,
    config: IQLConfig,
    *,
    bounds: Bounds = (-1.0, 1.0),
    device: torch.device | str = "cpu",
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 10_000,
    on_progress: Callable[[Progress], None] = log_progress,
    report_every: int = 1_000,
    cuda_graph: bool = False,
) -> Critic:
    """Train V, twin Q and a policy by implicit Q-learning (arXiv 2110.06169).

    On a CPU the same call gives the same critic, bit for bit, with the same number of
    threads, and so does a call that continues from a checkpoint of an interrupted one.

    Args:
        transitions: The data; copied to the device once, in float32.
        config: Settings.
        bounds: Action space, (low, high), each a number or [Da].
        device: Where training runs and the critic stays.
        checkpoint: File to write every ``checkpoint_every`` updates, after the last and
            on Ctrl-C or SIGTERM; where it exists, training continues from it.
        checkpoint_every: Updates between checkpoints.
        on_progress: Called every ``report_every`` updates and after the last.
        report_every: Updates between reports; each one waits for the device.
        cuda_graph: Whether a CUDA device replays updates from a captured graph.

    Returns:
        The critic.

    Raises:
        ValueError: If the transitions, bounds or device are unusable, the checkpoint is
            damaged, belongs to other settings or other data, or was made on another
            kind of device, or training diverges: found at the next report or
            checkpoint, and the last checkpoint stays as it was.
        KeyboardInterrupt: On Ctrl-C or SIGTERM, after the update and its checkpoint.
    """
    (critic,) = train_critics(
        transitions,
        config,
        [config.seed],
        bounds=bounds,
        device=device,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        on_progress=lambda reports: on_progress(*reports),
        report_every=report_every,
        cuda_graph=cuda_graph,
    )
    return critic


def _log_all(reports: Sequence[Progress]) -> None:
    """Write a line for each critic, as `log_progress` does."""
    for progress in reports:
        log_progress(progress)


def train_critics(
    transitions: Transitions,
    config: IQLConfig,
    seeds: Sequence[int],
    *,
    bounds: Bounds = (-1.0, 1.0),
    device: torch.device | str = "cpu",
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 10_000,
    on_progress: Callable[[Sequence[Progress]], None] = _log_all,
    report_every: int = 1_000,
    cuda_graph: bool = False,
) -> list[Critic]:
    """Train critics of several seeds at once, each as `train_critic` does its own.

    One batched product serves all: it pays where one critic leaves the device idle.
    Each equals the critic that is trained alone but for rounding.

    Args:
        transitions: As for `train_critic`, and so is what is not said here.
        config: Settings, but for the seed.
        seeds: One a critic.
        bounds: Action space.
        device: Where training runs.
        checkpoint: One file for all, which continues with the same seeds.
        checkpoint_every: Updates between checkpoints.
        on_progress: Called with a report a critic.
        report_every: Updates between reports.
        cuda_graph: Whether a CUDA device replays updates.

    Returns:
        The critics, in the order of the seeds.

    Raises:
        ValueError: As `train_critic` does, or if there are no seeds.
        KeyboardInterrupt: On Ctrl-C or SIGTERM, after the update and its checkpoint.
    """
    device = usable_device(device)
    configs = [attrs.evolve(config, seed=seed) for seed in seeds]
    if not configs:
        raise ValueError("seeds must be at least one, got none; give one a critic.")
    sizes, space = check_data(transitions, bounds)
    _check_tanh(config, space)
    _check_intervals(checkpoint_every, report_every)
    _check_graph(device, cuda_graph=cuda_graph)
    packed = pack(transitions)
    learner = Learner(packed.to(device), sizes, config, seeds, cuda_graph=cuda_graph)
    store = None
    if checkpoint is not None:
        store = Checkpoint(Path(checkpoint), configs, packed)

    def critic(row: int) -> Critic:
        return Critic(
            observation_size=sizes.observation,
            action_size=sizes.action,
            hidden=config.hidden,
            networks=learner.trained[:, row].clone(),
            log_deviation=learner.log_deviation[row].clone(),
            bounds=torch.from_numpy(space).to(learner.networks),
            tanh=config.tanh,
        )

    def report(done: int, losses: Sequence[Sequence[float]]) -> None:
        on_progress(
            [
                Progress(done, config.steps, value, q, policy, partial(critic, row))
                for row, (value, q, policy) in enumerate(losses)
            ]
        )

    _loop(learner, config.steps, store, checkpoint_every, report_every, report)
    return [critic(row) for row in range(len(configs))]


def _loop(
    learner: Learner,
    steps: int,
    checkpoint: Checkpoint | None,
    checkpoint_every: int,
    report_every: int,
    report: Callable[[int, Sequence[Sequence[float]]], None],
) -> None:
    """Update to the end, with reports and checkpoints after the updates.

    What a checkpoint holds has been reported: who is killed in between reports again.
    """
    start = 0 if checkpoint is None else checkpoint.restore(learner)
    checked = start
    with held_interrupts() as pressed:
        for done in range(start + 1, steps + 1):
            learner.update(done - 1)
            last = done == steps
            reports = last or done % report_every == 0
            saves = last or done % checkpoint_every == 0
            if reports or saves:
                losses = _finite_losses(learner, checked, done, steps)
                checked = done
            try:
                if reports:
                    report(done, losses)
                if pressed.is_set():
                    raise KeyboardInterrupt
            except KeyboardInterrupt:
                if checkpoint is not None:
                    _finite_losses(learner, checked, done, steps)
                    checkpoint.save(learner, done)
                raise
            if checkpoint is not None and saves:
                checkpoint.save(learner, done)


def _finite_losses(
    learner: Learner, checked: int, done: int, steps: int
) -> list[list[float]]:
    """Return each critic's losses, if all that training came to is finite.

    Raises:
        ValueError: Naming the updates since the last such check.
    """
    losses = [[loss.item() for loss in each] for each in learner.losses()]
    finite = [all(map(math.isfinite, each)) for each in losses]
    if all(finite) and learner.is_finite():
        return losses
    told = losses[0 if all(finite) else finite.index(False)]
    names = "V loss {:.4g}, Q loss {:.4g}, policy loss {:.4g}".format(*told)
    raise ValueError(
        f"training must stay finite, but diverged between updates {checked + 1} and "
        f"{done} of {steps} ({names}, learning_rate {learner.learning_rate:g}); scale "
        "the rewards down or lower the learning rate. The last good checkpoint stays."
    )


def _check_tanh(config: IQLConfig, space: npt.NDArray[Any]) -> None:
    if config.tanh and (abs(space) != 1.0).any():
        raise ValueError(
            f"bounds must be -1 and 1 for a policy with a tanh, got {space}; rescale "
            "the actions, or leave tanh off."
        )


def _check_graph(device: torch.device | str, *, cuda_graph: bool) -> None:
    if cuda_graph and torch.device(device).type != "cuda":
        raise ValueError(
            f"cuda_graph needs a CUDA device, got {str(device)!r}; leave it off."
        )


def _check_intervals(checkpoint_every: int, report_every: int) -> None:
    if min(checkpoint_every, report_every) < 1:
        raise ValueError(
            "checkpoint_every and report_every must be at least 1, got "
            f"{checkpoint_every} and {report_every}."
        )
