"""The command line: `tt-bench d4rl`, `collect` and what else there is."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from inspect import cleandoc
from typing import Annotated, Any, NamedTuple, NoReturn, TypeAlias

import attrs
import tyro
from rich.console import Console

from tt_bench.catalogue import find_d4rl, similar_d4rl
from tt_bench.cli.collect import Collect, run_collect
from tt_bench.cli.compare import D4rl, run_d4rl, run_suite
from tt_bench.cli.ending import as_process, explain, tell_interrupted
from tt_bench.cli.learn import Learn, run_learn
from tt_bench.cli.report import Report, run_report
from tt_bench.cli.show import Show, run_show
from tt_bench.cli.speed import Speed, run_speed
from tt_bench.cli.study import Study, run_study, usual_dataset
from tt_bench.early import let_go
from tt_bench.methods import Recipe, own_settings, recipe_for
from tt_bench.runs import SUITES

_PROGRAM = "tt-bench"
_LOG_WIDTH = 120
_PAPER_SEEDS, _PAPER_EPISODES = 5, 3  # arXiv 2106.02039, locomotion

Command: TypeAlias = D4rl | Show | Collect | Speed | Learn | Study | Report


def parse(arguments: Sequence[str]) -> Command:
    """Read the options; settings start from the recipe of the dataset."""
    # a study's name stands first; where it does not, it is known once all is read
    guess = usual_dataset("".join(arguments[1:2]))
    command = _parse(arguments, guess)
    if isinstance(command, Study) and usual_dataset(command.name) != guess:
        return _parse(arguments, usual_dataset(command.name))
    return command


def _parse(arguments: Sequence[str], usual: str) -> Command:
    """Read the options of a command; `usual` is the dataset where none is named."""
    run = _defaults(_read_ahead(arguments), usual)
    about = cleandoc(D4rl.__doc__ or "").partition("\n\nAttributes:")[0]
    compare: Any = Annotated[
        type(run), tyro.conf.subcommand("d4rl", default=run, description=about)
    ]
    commands = (
        compare
        | Annotated[Show, tyro.conf.subcommand("show", default=Show(run=run))]
        | Annotated[Collect, tyro.conf.subcommand("collect")]
        | Annotated[Speed, tyro.conf.subcommand("speed")]
        | Annotated[Learn, tyro.conf.subcommand("learn")]
        | Annotated[Study, tyro.conf.subcommand("study", default=Study(run=run))]
        | Annotated[Report, tyro.conf.subcommand("report")]
    )
    command: Command = tyro.cli(commands, args=list(arguments), prog=_PROGRAM)
    return command


class _Choice(NamedTuple):
    """The options that the defaults of the others depend on."""

    dataset: str | None
    suite: str | None
    small: bool


class _Reader(argparse.ArgumentParser):
    """A parser whose complaints are for whoever calls it."""

    def error(self, message: str) -> NoReturn:
        """Refuse what can't be read."""
        raise ValueError(message)


def _read_ahead(arguments: Sequence[str]) -> _Choice:
    reader = _Reader(add_help=False, allow_abbrev=False)
    reader.add_argument("--dataset", nargs="?")
    reader.add_argument("--suite", nargs="?")
    reader.add_argument("--small", action=argparse.BooleanOptionalAction, default=False)
    found = reader.parse_known_args(list(arguments))[0]
    return _Choice(found.dataset, found.suite, found.small)


def _defaults(choice: _Choice, usual: str) -> D4rl:
    dataset = choice.dataset or usual
    run = _with_own(dataset, recipe_for(dataset, small=choice.small))
    chosen = SUITES.get(choice.suite or "")
    if chosen is not None:
        return attrs.evolve(run, seeds=chosen.seeds, episodes=chosen.episodes)
    entry = find_d4rl(dataset) or similar_d4rl(dataset)
    if entry is not None and entry.locomotion:
        return attrs.evolve(run, seeds=_PAPER_SEEDS, episodes=_PAPER_EPISODES)
    return run


def _with_own(dataset: str, recipe: Recipe) -> D4rl:
    """Make options that have those of each method that has its own, too."""
    fields: dict[str, Any] = {
        name: attrs.field(default=recipe.part(kind), type=kind)
        for name, kind in own_settings().items()
    }
    options: type[D4rl] = attrs.make_class("D4rl", fields, bases=(D4rl,), frozen=True)
    # the methods' own settings are options of their own, and no part of the recipe
    return options(dataset=dataset, recipe=attrs.evolve(recipe, own=()))


def _parse_suite(
    suite: str, datasets: Sequence[str], arguments: Sequence[str]
) -> list[D4rl]:
    """Read the options anew for each dataset, whose recipe they start from."""
    if _read_ahead(arguments).dataset is not None:
        raise ValueError("expected --dataset or --suite, got both")
    chosen = SUITES[suite].choose(datasets)
    every = [parse([*arguments, "--dataset", name]) for name in chosen]
    return [run for run in every if isinstance(run, D4rl)]


def _check_alone(command: D4rl) -> None:
    if command.datasets:
        raise ValueError(
            "expected --suite with --datasets, got none: give --suite, or one --dataset"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status of the process."""
    try:
        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return tell_interrupted()


def command() -> int:
    """Run what this process was given as all that it does."""
    return as_process(partial(run, sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command, and say why where it fails; return the exit status."""
    console = Console(width=None if sys.stdout.isatty() else _LOG_WIDTH)
    try:
        let_go()
        _run(arguments, console)
    except Exception as error:
        return explain(error)
    return 0


def _run(arguments: Sequence[str], console: Console) -> None:
    command = parse(arguments)
    if isinstance(command, D4rl) and command.suite:
        runs = _parse_suite(command.suite, command.datasets, arguments)
        run_suite(runs, console)
    elif isinstance(command, D4rl):
        _check_alone(command)
        run_d4rl(command, console)
    elif isinstance(command, Show):
        run_show(command, console)
    elif isinstance(command, Speed):
        run_speed(command, console)
    elif isinstance(command, Learn):
        run_learn(command, console)
    elif isinstance(command, Study):
        run_study(command, console)
    elif isinstance(command, Report):
        run_report(command, console)
    else:
        run_collect(command, console)
