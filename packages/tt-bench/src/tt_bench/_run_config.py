"""What to run: methods, seeds, episodes, and where."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attrs
from attrs.validators import ge, le

from tt_bench._methods import METHODS


@attrs.frozen
class RunConfig:
    """What to run.

    Attributes:
        methods: names in `METHODS`.
        seeds: training seeds of each trained method.
        first_seed: the first of them.
        episodes: episodes of each run.
        max_steps: cut episodes after so many steps; None leaves it to the environment.
        device: where to compute.
        output: folder for results and trained models.
    """

    methods: tuple[str, ...] = attrs.field(
        default=("random", "behaviour", "bc", "iql", "tt", "tt+q")
    )
    seeds: int = attrs.field(default=3, validator=ge(1))
    first_seed: int = attrs.field(default=0, validator=ge(0))
    episodes: int = attrs.field(default=20, validator=[ge(1), le(999)])
    max_steps: int | None = None
    device: str = "cpu"
    output: Path = Path(".tt")

    @methods.validator
    def _known(self, _: "attrs.Attribute[Any]", methods: Sequence[str]) -> None:
        unknown = [name for name in methods if name not in METHODS]
        if unknown or not methods:
            known = ", ".join(METHODS)
            raise ValueError(
                f"expected methods out of {known}; got {', '.join(unknown) or 'none'}"
            )


class Run(NamedTuple):
    """One run of a plan of runs: a method with a seed."""

    method: str
    seed: int


def plan_runs(config: RunConfig) -> list[Run]:
    """List the runs: one a seed for trained methods, one in all for others."""
    seeds = range(config.first_seed, config.first_seed + config.seeds)
    return [
        Run(method, seed)
        for method in METHODS
        if method in config.methods
        for seed in (seeds if METHODS[method].trained else range(1))
    ]
