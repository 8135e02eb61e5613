"""Counts of settings are whole numbers, and a boolean is none."""

from typing import Any

import attrs
import pytest

from tt_model import TrainConfig, TransformerConfig

SETTINGS: list[Any] = [TransformerConfig(5, 3), TrainConfig(steps=9)]
COUNTS = [
    (settings, field.name)
    for settings in SETTINGS
    for field in attrs.fields(type(settings))
    if field.type in (int, int | None)
]


@pytest.mark.parametrize("odd", [True, False, -1, 1.0, "1", float("nan"), [1]])
@pytest.mark.parametrize(("settings", "name"), COUNTS)
def test_a_count_is_a_whole_number(settings: Any, name: str, odd: Any) -> None:
    with pytest.raises(ValueError, match=f"expected {name} as a whole number"):
        attrs.evolve(settings, **{name: odd})


def test_every_count_is_looked_at() -> None:
    assert {name for _, name in COUNTS} >= {
        "layers",
        "span",
        "batch",
        "seed",
        "decay_steps",
    }
