"""What is noted of a transformer's training: its layout, its time, its losses."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from tt_bench.files import read_facts, write_json
from tt_bench.methods.spent import read_spent
from tt_model import Epoch
from tt_tokenize import Layout


class Losses(NamedTuple):
    """The losses at a step of a training, in nats, and what it took to get there.

    Attributes:
        step: steps done.
        seconds: since training began, interruptions left out.
        cpu_seconds: processor time of the steps alone; 0 in notes of earlier versions,
            which did not measure it.
        training: mean loss of the steps since the record before, weighted.
        held_out: mean loss of held-out tokens of each part of a transition; None where
            there was none to predict. Empty without held-out episodes.
    """

    step: int
    seconds: float
    cpu_seconds: float
    training: float
    held_out: Mapping[str, float | None]


class Notes(NamedTuple):
    """What a training notes beside what it trains."""

    layout: Layout
    steps: int
    seconds: float
    losses: tuple[Losses, ...]


def write_notes(
    path: Path, layout: Layout, steps: int, history: Sequence[Epoch]
) -> None:
    """Write the notes of a training of so many steps that has ended."""
    content = {
        "layout": attrs.asdict(layout),
        "steps": steps,
        "seconds": history[-1].seconds,
        "losses": [_losses(epoch)._asdict() for epoch in history],
    }
    write_json(path, content)


def _losses(epoch: Epoch) -> Losses:
    held_out = {
        part: None if math.isnan(loss) else loss for part, loss in epoch.parts.items()
    }
    return Losses(
        epoch.step, epoch.seconds, epoch.cpu_seconds, epoch.training_loss, held_out
    )


def read_notes(path: Path) -> Notes:
    """Read the notes of a training.

    Raises:
        ValueError: the file is damaged, or lacks something or holds something else.
    """
    return read_facts(path, _build)


def _build(notes: dict[str, Any]) -> Notes:
    losses = (Losses(**({"cpu_seconds": 0.0} | each)) for each in notes["losses"])
    layout = Layout(**notes["layout"])
    return Notes(layout, *read_spent(notes), tuple(losses))
