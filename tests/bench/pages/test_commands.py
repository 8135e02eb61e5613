"""The commands of a report make its results again."""

import shlex
from pathlib import Path
from typing import Any

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
    wanted = {each.result.method: each.result.settings for each in found}
    had = {
        method: _settings(options, method)
        for board in make_boards(found)
        for command in commands(board)
        for options in [_parsed(command)]
        for method in options.methods
    }
    assert had.keys() == wanted.keys()
    for method, settings in wanted.items():
        known = {n: v for n, v in settings.items() if n not in FACTS}
        known["evaluation"] = {
            n: v for n, v in known["evaluation"].items() if n != "environment"
        }
        assert _known(had[method], known) == known


FACTS = ("data", "seed", "method")  # besides settings


def _parsed(command: str) -> D4rl:
    program, *words = shlex.split(command)
    assert program == "tt-bench"
    options = parse(words)
    assert isinstance(options, D4rl)
    return options


def _settings(options: D4rl, method: str) -> dict[str, Any]:
    recipe, config = configure(options)
    recipe = METHODS[method].adapt(recipe)
    parts = {part_name(part): recipe.part(part) for part in METHODS[method].needs}
    plain = {n: attrs.asdict(p) if attrs.has(type(p)) else p for n, p in parts.items()}
    evaluation = {"episodes": config.episodes, "max_steps": config.max_steps}
    return plain | {"evaluation": evaluation}


def _known(settings: Any, earlier: Any) -> Any:
    """Keep what an earlier version knew too."""
    if not isinstance(earlier, dict):
        return settings
    return {name: _known(settings[name], value) for name, value in earlier.items()}


def test_commands_are_quoted_for_a_shell() -> None:
    name = "a; rm -rf ~ $(b) 'c'"
    (command,) = _commands_of(name)
    words = shlex.split(command)
    assert words[words.index("--dataset") + 1] == name
    assert _commands_of("two\nlines") == ()
    assert _commands_of("--output=elsewhere") == ()
    assert _commands_of("-x") == ()


def test_no_setting_is_an_option_of_its_own() -> None:
    (_, found, *_) = collect(EARLIER / "minutes").found
    assert found.result.method == "tt"
    for value in ("--output=elsewhere", "-x", "a\nb"):
        planner = {**found.result.settings["planner"], "search": value}
        settings = {**found.result.settings, "planner": planner}
        result = attrs.evolve(found.result, settings=settings)
        (board,) = make_boards([attrs.evolve(found, result=result)])
        assert commands(board) == ()


def _commands_of(name: str) -> tuple[str, ...]:
    (first, *_) = collect(EARLIER / "steps").found
    data = {**first.result.dataset, "name": name, "source": "s"}
    result = attrs.evolve(first.result, dataset=data)
    (board,) = make_boards([attrs.evolve(first, result=result)])
    return commands(board)
