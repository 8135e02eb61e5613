"""The command line: `python -m tt_bench d4rl`, `collect` and what else there is."""

import argparse
import sys
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import attrs
import tyro
from rich.console import Console

from tt_bench._commands import (
    DEFAULT_DATASET,
    Collect,
    D4rl,
    run_collect,
    run_d4rl,
    run_suite,
)
from tt_bench._recipes import recipe_for
from tt_bench._show import Show, run_show
from tt_bench._speed import Speed, run_speed
from tt_bench._suites import SUITES

_PROGRAM = "python -m tt_bench"
_REFUSED = 2
_INTERRUPTED = 130
_LOG_WIDTH = 120

Command: TypeAlias = D4rl | Show | Collect | Speed


def parse(arguments: Sequence[str]) -> Command:
    """Read the options; settings start from the recipe of the dataset."""
    run = _defaults(_named("--dataset", arguments), _named("--suite", arguments))
    commands = (
        Annotated[D4rl, tyro.conf.subcommand("d4rl", default=run)]
        | Annotated[Show, tyro.conf.subcommand("show", default=Show(run=run))]
        | Annotated[Collect, tyro.conf.subcommand("collect")]
        | Annotated[Speed, tyro.conf.subcommand("speed")]
    )
    command: Command = tyro.cli(commands, args=list(arguments), prog=_PROGRAM)
    return command


def _named(option: str, arguments: Sequence[str]) -> str | None:
    reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    reader.add_argument(option, nargs="?", dest="name")
    name = reader.parse_known_args(list(arguments))[0].name
    return None if name is None else str(name)


def _defaults(dataset: str | None, suite: str | None) -> D4rl:
    dataset = dataset or DEFAULT_DATASET
    run = D4rl(dataset=dataset, recipe=recipe_for(dataset))
    if suite is None or suite not in SUITES:
        return run
    chosen = SUITES[suite]
    return attrs.evolve(run, seeds=chosen.seeds, episodes=chosen.episodes)


def _parse_suite(suite: str, arguments: Sequence[str]) -> list[D4rl]:
    """Read the options anew for each dataset, whose recipe they start from."""
    if _named("--dataset", arguments) is not None:
        raise ValueError("expected --dataset or --suite, got both")
    every = [parse([*arguments, "--dataset", name]) for name in SUITES[suite].datasets]
    return [run for run in every if isinstance(run, D4rl)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status of the process."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command = parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else _LOG_WIDTH)
    try:
        if isinstance(command, D4rl) and command.suite:
            run_suite(_parse_suite(command.suite, arguments), console)
        elif isinstance(command, D4rl):
            run_d4rl(command, console)
        elif isinstance(command, Show):
            run_show(command, console)
        elif isinstance(command, Speed):
            run_speed(command, console)
        else:
            run_collect(command, console)
    except (ValueError, ModuleNotFoundError) as error:
        Console(stderr=True).print(f"error: {error}", markup=False, soft_wrap=True)
        return _REFUSED
    except KeyboardInterrupt:
        console.print("stopped; the same command continues from here")
        return _INTERRUPTED
    return 0
