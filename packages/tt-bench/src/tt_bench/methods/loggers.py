"""TensorBoard and Weights & Biases, told what the log of a training is told.

A training never depends on them: one that fails is said so once, and left alone.
"""

import importlib
import importlib.util
import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tt_bench.files import first_line
from tt_bench.interface import Event, Notify, silent

_PATIENCE = 30.0  # seconds that W&B's server has to answer


class Logger(Protocol):
    """What is asked of a logger: those of lightning-fabric are ones."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Take numbers of a step."""
        ...

    def finalize(self, status: str) -> None:
        """Write what was taken."""
        ...


def _tensorboard(folder: Path, step: int) -> Logger:
    """Write events into a folder; those from this step on, made again, are hidden."""
    module: Any = importlib.import_module("lightning_fabric.loggers")
    made: Logger = module.TensorBoardLogger(
        folder, name="", version="tensorboard", purge_step=step
    )
    return made


class _WeightsAndBiases:
    """A run of W&B, kept in a folder until `wandb sync` unless WANDB_MODE is online."""

    def __init__(self, folder: Path, _: int) -> None:
        wandb: Any = importlib.import_module("wandb")
        mode = os.environ.get("WANDB_MODE", "offline")
        again = {"id": folder.name, "resume": "allow"} if mode == "online" else {}
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "tt-bench"),
            name=folder.name,
            dir=folder,
            mode=mode,
            settings=wandb.Settings(init_timeout=_PATIENCE, silent=True),
            **again,
        )

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self._run.log(dict(metrics), step=step)

    def finalize(self, status: str) -> None:
        self._run.finish(exit_code=int(status != "success"))


LOGGERS: Mapping[str, Callable[[Path, int], Logger]] = {
    "tensorboard": _tensorboard,
    "wandb": _WeightsAndBiases,
}
"""By the name of the option and of the package: made for a folder and a first step."""


def check_loggers(names: Sequence[str]) -> None:
    """Check that loggers are known and installed.

    Raises:
        ValueError: one is not.
    """
    for name in names:
        if name not in LOGGERS:
            raise ValueError(f"expected {' or '.join(LOGGERS)} to log to, got {name}")
        if importlib.util.find_spec(name) is None:
            raise ValueError(
                f"expected {name} to be installed, to log to: pip install "
                f"'tt-bench[{name}]', or leave it out; training.csv is always written"
            )


class Loggers:
    """Tell several loggers, as long as they work."""

    def __init__(
        self, names: Sequence[str], folder: Path, notify: Notify = silent
    ) -> None:
        """Open each by its name once there is something to tell."""
        self._waiting, self._folder, self._notify = tuple(names), folder, notify
        self._open: dict[str, Logger] = {}

    def tell(self, step: int, row: Mapping[str, float | str]) -> None:
        """Pass on the numbers of a step."""
        numbers = {
            name: value
            for name, value in row.items()
            if not isinstance(value, str) and math.isfinite(value)
        }
        for name in self._waiting:
            self._try(name, partial(self._begin, name, step))
        self._waiting = ()
        for name, logger in tuple(self._open.items()):
            self._try(name, partial(logger.log_metrics, numbers, step))

    def close(self, *, finished: bool) -> None:
        """Let all write what they were told."""
        status = "success" if finished else "aborted"
        for name, logger in tuple(self._open.items()):
            self._try(name, partial(logger.finalize, status))
        self._open = {}

    def _begin(self, name: str, step: int) -> None:
        self._open[name] = LOGGERS[name](self._folder, step)

    def _try(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # whatever it is, training is worth more
            self._open.pop(name, None)
            text = f"{name} is left out of the log: {first_line(error)}"
            self._notify(Event("message", text))
