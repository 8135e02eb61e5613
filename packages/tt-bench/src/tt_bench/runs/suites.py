"""Sets of datasets that are compared together."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Suite(NamedTuple):
    """Several datasets, and how thoroughly to compare on each.

    Attributes:
        datasets: names, as `load_dataset` takes them.
        seeds: training seeds of each method.
        episodes: episodes of each run.
    """

    datasets: tuple[str, ...]
    seeds: int
    episodes: int


SUITES: Mapping[str, Suite] = MappingProxyType(
    {
        "pointmaze": Suite(
            tuple(f"tt/pointmaze/{m}-sparse-v0" for m in ("umaze", "medium", "large")),
            seeds=3,
            episodes=50,
        ),
        "antmaze": Suite(
            tuple(f"tt/antmaze/{m}-diverse-v0" for m in ("umaze", "medium", "large")),
            seeds=3,
            episodes=50,
        ),
    }
)
"""The suites by name."""
