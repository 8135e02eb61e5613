"""The entries of the speedrun: a line each, beside a dataset's own recipe."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

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
_WINNER = attrs.evolve(
    _SMALL, inputs="transition", outputs="relative", per_position=True, attending=1
)
_SMALL_STEPS = TrainingSettings(
    steps=32_000, batch=16, transitions=5, learning_rate=4e-3, action_weight=1.0
)
_PAPER_STEPS = TrainingSettings(
    steps=1_000, batch=256, transitions=10, learning_rate=6e-4, action_weight=5.0
)
_WINNER_STEPS = attrs.evolve(_SMALL_STEPS, steps=4_000, final_fraction=0.0)


def _without(title: str, **changes: Any) -> Entry:
    """Take an option away from the winner."""
    return Entry(title, attrs.evolve(_WINNER, **changes), _WINNER_STEPS)


ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        "baseline": Entry("--small before the winner", _SMALL, _SMALL_STEPS),
        "paper": Entry("the paper's batches, rate and weight", _SMALL, _PAPER_STEPS),
        "winner": Entry("what learns fastest so far", _WINNER, _WINNER_STEPS),
        "token-inputs": _without("winner, token by token in", inputs="token"),
        "table-outputs": _without("winner, bin by bin out", outputs="table"),
        "shared-weights": _without("winner, a matrix for all", per_position=False),
        "all-attending": _without("winner, both blocks attend", attending=None),
        "bfloat16": Entry(
            "winner, products in bfloat16",
            _WINNER,
            attrs.evolve(_WINNER_STEPS, precision="bf16-mixed"),
        ),
        "rate-to-a-tenth": Entry(
            "winner, the rate falls to a tenth",
            _WINNER,
            attrs.evolve(_WINNER_STEPS, final_fraction=0.1),
        ),
    }
)
"""The entries by name; a new one is a line here."""
