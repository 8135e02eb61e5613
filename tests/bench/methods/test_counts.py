"""Counts of settings are whole numbers, and a boolean is none."""

from typing import Any

import attrs
import numpy as np
import pytest

from tt_bench.methods import (
    CloningConfig,
    ModelSettings,
    PlannerSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from tt_bench.methods.settings import CriticSettings
from tt_bench.methods.td3_bc import TD3BCSettings
from tt_bench.runs import RunConfig

SETTINGS: list[Any] = [
    *(TokenizerSettings(), ModelSettings(), TrainingSettings(), PlannerSettings()),
    *(CloningConfig(), CriticSettings(), Recipe(), TD3BCSettings(), RunConfig()),
]
COUNTS = [
    (settings, field.name)
    for settings in SETTINGS
    for field in attrs.fields(type(settings))
    if field.type in (int, int | None)
]


@pytest.mark.parametrize(("settings", "name"), COUNTS)
def test_a_count_is_a_whole_number(settings: Any, name: str) -> None:
    for odd in (True, False, -1, 1.0, 1.5, "1", float("nan"), [1], 10**30 + 0.5):
        with pytest.raises(ValueError, match=f"expected {name} as a whole number"):
            attrs.evolve(settings, **{name: odd})


def test_every_count_is_looked_at_and_numpy_has_some_too() -> None:
    assert {type(settings) for settings, _ in COUNTS} == set(map(type, SETTINGS))
    three: Any = np.int64(3)
    assert CloningConfig(batch=three).batch == 3
