"""Several datasets in one command, and training by minutes instead of steps."""

import attrs
import pytest

from tt_bench.cli.compare import D4rl
from tt_bench.cli.main import _parse_suite, main, parse
from tt_bench.methods.recipes import recipe_for
from tt_bench.runs.suites import SUITES


def test_a_suite_runs_each_dataset_with_its_own_recipe_and_the_given_options() -> None:
    runs = _parse_suite(
        "antmaze", ["d4rl", "--suite", "antmaze", "--planner.horizon", "3"]
    )
    assert [run.dataset for run in runs] == list(SUITES["antmaze"].datasets)
    assert {(run.seeds, run.episodes) for run in runs} == {(3, 50)}
    expected = recipe_for(runs[0].dataset)
    planner = attrs.evolve(expected.planner, horizon=3)
    assert runs[0].recipe == attrs.evolve(expected, planner=planner)


def test_a_dataset_and_a_suite_are_not_given_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["d4rl", "--suite", "pointmaze", "--dataset", "tt/x-v0"]) == 2
    assert "--dataset or --suite, got both" in capsys.readouterr().err


def test_options_of_a_single_run_start_from_its_dataset() -> None:
    command = parse(["d4rl", "--dataset", "tt/antmaze/umaze-diverse-v0"])
    assert isinstance(command, D4rl)
    assert command.recipe == recipe_for("tt/antmaze/umaze-diverse-v0")
    assert command.episodes == 20


def test_options_of_a_small_run_start_from_the_small_recipe() -> None:
    name = "hopper-medium-v2"
    chosen = ["d4rl", "--small", "--planner.horizon", "3", "--dataset", name]
    command = parse(chosen)
    assert isinstance(command, D4rl)
    small = recipe_for(name, small=True)
    planner = attrs.evolve(small.planner, horizon=3)
    assert command.recipe == attrs.evolve(small, planner=planner)
    back = parse([*chosen, "--no-small"])
    assert isinstance(back, D4rl)
    assert back.recipe.model == recipe_for(name).model


def test_locomotion_is_evaluated_as_the_paper_does_unless_told_otherwise() -> None:
    for name in ("hopper-medium-v2", "x/hopper-medium-mine.hdf5"):
        run = parse(["d4rl", "--dataset", name])
        assert isinstance(run, D4rl)
        assert (run.seeds, run.episodes) == (5, 3)
    fewer = parse(["d4rl", "--dataset", "hopper-medium-v2", "--seeds", "3"])
    assert isinstance(fewer, D4rl)
    assert (fewer.seeds, fewer.episodes) == (3, 3)
    maze = parse(["d4rl", "--dataset", "antmaze-umaze-v2"])
    assert isinstance(maze, D4rl)
    assert (maze.seeds, maze.episodes) == (3, 20)
