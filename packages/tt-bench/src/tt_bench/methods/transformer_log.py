"""What the log of a transformer's training has in it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tt_bench.methods.training_log import TrainingLog
from tt_bench.methods.watch import Watch
from tt_model import Epoch, Progress, TrainConfig

HELD_OUT = "held_out_"
"""What the columns of held-out nats begin with; the part of a transition follows."""

_COLUMNS = ("loss", "learning_rate", "tokens_per_second")


class TransformerLog:
    """Write a row a report and one a record of held-out losses, one in all a step."""

    def __init__(
        self,
        log: TrainingLog,
        config: TrainConfig,
        watch: Watch,
        trained: Callable[[], Any],
    ) -> None:
        """Log the reports of a training, with scores of what is trained."""
        self._every, self._steps = config.report_every, config.steps
        self._log, self._watch, self._trained = log, watch, trained
        self._nats: dict[str, float] = {}

    @classmethod
    @contextmanager
    def opened(
        cls,
        folder: Path,
        parts: Mapping[str, slice],
        config: TrainConfig,
        watch: Watch,
        trained: Callable[[], Any],
    ) -> Iterator["TransformerLog"]:
        """Open the log of a training in its folder, with held-out nats of the parts."""
        columns = (*_COLUMNS, *(f"{HELD_OUT}{part}" for part in parts))
        with watch.opened(folder, columns) as log:
            yield cls(log, config, watch, trained)

    def epoch(self, record: Epoch) -> None:
        """Log held-out losses; with the report of the same step, if there is one."""
        nats = {f"{HELD_OUT}{part}": loss for part, loss in record.parts.items()}
        self._nats = nats | {"seconds": record.seconds}
        if record.step % self._every and record.step < self._steps:
            row = {"loss": record.training_loss, "learning_rate": record.learning_rate}
            self._log.write(record.step, row | self._nats)
            self._nats = {}

    def reporting(
        self, on_progress: Callable[[Progress], None] | None
    ) -> Callable[[Progress], None]:
        """Log each report, and pass it on."""

        def report(progress: Progress) -> None:
            self._progress(progress)
            if on_progress is not None:
                on_progress(progress)

        return report

    def _progress(self, progress: Progress) -> None:
        row = {
            "seconds": progress.seconds,
            "loss": progress.loss,
            "learning_rate": progress.learning_rate,
            "tokens_per_second": progress.tokens_per_second,
        }
        before = (progress.step - 1) // self._every * self._every
        scores = self._watch.scores(progress.step, before, self._trained)
        self._log.write(progress.step, {**row, **self._nats, **scores})
        self._nats = {}
