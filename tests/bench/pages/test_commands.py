"""The commands of a report make its results again."""

import shlex
from pathlib import Path

import attrs
import pytest

from tt_bench.cli import parse
from tt_bench.cli.compare import D4rl, configure
from tt_bench.methods import METHODS, part_name
from tt_bench.pages.boards import make_boards
from tt_bench.pages.collected import collect
from tt_bench.pages.commands import commands

EARLIER = Path(__file__).parents[1] / "runs" / "earlier"


@pytest.mark.parametrize("folder", ["minutes", "steps"])
def test_a_command_has_the_settings_of_the_runs(folder: str) -> None:
    found = collect(EARLIER / folder).found
    boards = make_boards(found)
    wanted = {(each.result.method, str(_kept(each.result.settings))) for each in found}
    assert {
        (method, str(_kept(_settings(options, method))))
        for board in boards
        for command in commands(board)
        for options in [_parsed(command)]
        for method in options.methods
    } == wanted


def _parsed(command: str) -> D4rl:
    program, *words = shlex.split(command)
    assert program == "tt-bench"
    options = parse(words)
    assert isinstance(options, D4rl)
    return options


def _settings(options: D4rl, method: str) -> dict[str, object]:
    recipe, config = configure(options)
    recipe = METHODS[method].adapt(recipe)
    parts = {part_name(part): recipe.part(part) for part in METHODS[method].needs}
    plain = {n: attrs.asdict(p) if attrs.has(type(p)) else p for n, p in parts.items()}
    evaluation = {"episodes": config.episodes, "max_steps": config.max_steps}
    return plain | {"evaluation": evaluation}


def _kept(settings: object) -> object:
    """Keep what the recipes of an earlier version knew too, in an order."""
    left_out = {"data", "seed", "method", "environment"}
    later = {"inputs", "outputs", "per_position", "attending", "final_fraction"}
    if not isinstance(settings, dict):
        return settings
    names = sorted(settings.keys() - left_out - later - {"tanh", "output_gain"})
    return [(name, _kept(settings[name])) for name in names]


def test_commands_are_quoted_for_a_shell(tmp_path: Path) -> None:
    (first, *_) = collect(EARLIER / "steps").found
    data = {**first.result.dataset, "name": "a; rm -rf ~ $(b) 'c'", "source": "s"}
    board = make_boards(
        [attrs.evolve(first, result=attrs.evolve(first.result, dataset=data))]
    )
    (command,) = commands(board[0])
    words = shlex.split(command)
    assert words[words.index("--dataset") + 1] == data["name"]
    data["name"] = "two\nlines"
    board = make_boards(
        [attrs.evolve(first, result=attrs.evolve(first.result, dataset=data))]
    )
    assert commands(board[0]) == ()
