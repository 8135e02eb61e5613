"""What to run: methods, seeds, episodes, and where."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attrs
from attrs.validators import le, lt, optional

from tt_bench.agents import check_device
from tt_bench.methods import METHODS, check_loggers, whole

# Of runs: episodes have a thousand times as large ones, which torch must take.
MOST_SEEDS = 2**53


def _usable(_: object, __: object, device: str) -> None:
    check_device(device)


def as_path(path: str | os.PathLike[str]) -> Path:
    """Return a path with a leading ~ written out.

    Raises:
        ValueError: there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(f"expected a folder, got {path} ({error})") from error


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
        log: what is told of training besides its CSV files: tensorboard, wandb.
        evaluate_every: steps of training from one score to the next; None for none.
    """

    methods: tuple[str, ...] = attrs.field(
        default=("random", "behaviour", "bc", "iql", "tt", "tt+q")
    )
    seeds: int = attrs.field(default=3, validator=whole(1))
    first_seed: int = attrs.field(default=0, validator=[whole(0), lt(MOST_SEEDS)])
    episodes: int = attrs.field(default=20, validator=[whole(1), le(999)])
    max_steps: int | None = attrs.field(default=None, validator=optional(whole(1)))
    device: str = attrs.field(default="cpu", validator=_usable)
    output: Path = attrs.field(default=Path(".tt"), converter=as_path)
    log: tuple[str, ...] = attrs.field(default=())
    evaluate_every: int | None = attrs.field(default=None, validator=optional(whole(1)))

    @methods.validator
    def _known(self, _: "attrs.Attribute[Any]", methods: Sequence[str]) -> None:
        unknown = [name for name in methods if name not in METHODS]
        if unknown or not methods:
            known = ", ".join(METHODS)
            raise ValueError(
                f"expected methods out of {known}; got "
                f"{', '.join(map(str, unknown)) or 'none'}"
            )

    @log.validator
    def _installed(self, _: "attrs.Attribute[Any]", names: Sequence[str]) -> None:
        check_loggers(names)

    @output.validator
    def _a_folder(self, _: "attrs.Attribute[Any]", output: Path) -> None:
        there = next(path for path in (output, *output.parents) if path.exists())
        if not there.is_dir():
            raise ValueError(
                f"expected a folder as --output, got {output}: {there} is a file; name "
                "another folder, or move the file away"
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
