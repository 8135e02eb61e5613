"""The entries of the speedrun: a line each, beside a dataset's own recipe."""

from collections.abc import Mapping
from types import MappingProxyType

import attrs

from tt_bench.methods import ModelSettings, TrainingSettings


@attrs.frozen
class Entry:
    """A way to learn from a dataset.

    Attributes:
        title: what it is, in a few words.
        model: the network.
        training: how it is trained; its steps belong to it, for the learning rate
            falls along them.
    """

    title: str
    model: ModelSettings
    training: TrainingSettings


_SMALL = ModelSettings(layers=2, heads=4, width=64, dropout=0.0)
_SMALL_STEPS = TrainingSettings(
    steps=32_000, batch=16, transitions=5, learning_rate=4e-3, action_weight=1.0
)
_PAPER_STEPS = TrainingSettings(
    steps=1_000, batch=256, transitions=10, learning_rate=6e-4, action_weight=5.0
)

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "today": Entry("the network and training of --small", _SMALL, _SMALL_STEPS),
        "paper": Entry("the paper's batches, rate and weight", _SMALL, _PAPER_STEPS),
    }
)
"""The entries by name; a new one is a line here."""
