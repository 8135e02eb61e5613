"""The command line: `python -m tt_bench d4rl`, `collect` and what else there is."""

import argparse
import sys
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import tyro
from rich.console import Console

from tt_bench._commands import DEFAULT_DATASET, Collect, D4rl, run_collect, run_d4rl
from tt_bench._recipes import recipe_for
from tt_bench._show import Show, run_show
from tt_bench._speed import Speed, run_speed

_PROGRAM = "python -m tt_bench"
_REFUSED = 2
_INTERRUPTED = 130
_LOG_WIDTH = 120

Command: TypeAlias = D4rl | Show | Collect | Speed


def parse(arguments: Sequence[str]) -> Command:
    """Read the options; settings start from the recipe of the dataset."""
    run = D4rl(recipe=recipe_for(_named_dataset(arguments)))
    commands = (
        Annotated[D4rl, tyro.conf.subcommand("d4rl", default=run)]
        | Annotated[Show, tyro.conf.subcommand("show", default=Show(run=run))]
        | Annotated[Collect, tyro.conf.subcommand("collect")]
        | Annotated[Speed, tyro.conf.subcommand("speed")]
    )
    command: Command = tyro.cli(commands, args=list(arguments), prog=_PROGRAM)
    return command


def _named_dataset(arguments: Sequence[str]) -> str:
    reader = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    reader.add_argument("--dataset", nargs="?", default=DEFAULT_DATASET)
    known, _ = reader.parse_known_args(list(arguments))
    return str(known.dataset)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status of the process."""
    command = parse(sys.argv[1:] if arguments is None else arguments)
    console = Console(width=None if sys.stdout.isatty() else _LOG_WIDTH)
    try:
        if isinstance(command, D4rl):
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
