"""Several datasets in one command, and training by minutes instead of steps."""

from pathlib import Path

import attrs
import pytest

from tt_bench.cli.compare import D4rl, configure
from tt_bench.cli.main import _parse_suite, main, parse
from tt_bench.cli.study import Study
from tt_bench.methods import own_settings
from tt_bench.methods.recipes import recipe_for
from tt_bench.methods.settings import Recipe
from tt_bench.runs.suites import SUITES


def without_own(recipe: Recipe) -> Recipe:
    """Leave the methods' own settings out: they are options beside the recipe."""
    return attrs.evolve(recipe, own=())


def test_a_suite_runs_each_dataset_with_its_own_recipe_and_the_given_options() -> None:
    runs = _parse_suite(
        "antmaze", (), ["d4rl", "--suite", "antmaze", "--planner.horizon", "3"]
    )
    assert [run.dataset for run in runs] == list(SUITES["antmaze"].datasets)
    assert {(run.seeds, run.episodes) for run in runs} == {(3, 50)}
    expected = recipe_for(runs[0].dataset)
    planner = attrs.evolve(expected.planner, horizon=3)
    assert runs[0].recipe == without_own(attrs.evolve(expected, planner=planner))


def test_a_dataset_and_a_suite_are_not_given_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["d4rl", "--suite", "pointmaze", "--dataset", "tt/x-v0"]) == 2
    assert "--dataset or --suite, got both" in capsys.readouterr().err


def test_options_of_a_single_run_start_from_its_dataset() -> None:
    command = parse(["d4rl", "--dataset", "tt/antmaze/umaze-diverse-v0"])
    assert isinstance(command, D4rl)
    assert command.recipe == without_own(recipe_for("tt/antmaze/umaze-diverse-v0"))
    assert command.episodes == 20


def test_options_of_a_small_run_start_from_the_small_recipe() -> None:
    name = "hopper-medium-v2"
    chosen = ["d4rl", "--small", "--planner.horizon", "3", "--dataset", name]
    command = parse(chosen)
    assert isinstance(command, D4rl)
    small = recipe_for(name, small=True)
    planner = attrs.evolve(small.planner, horizon=3)
    expected = attrs.evolve(small, planner=planner)
    assert command.recipe == without_own(expected)
    assert set(expected.own) <= set(configure(command)[0].own)
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Hold files of two bodies, of kinds that a suite has and has not."""
    for name in (
        *("hopper-medium-expert-sac.hdf5", "hopper_medium_replay-v2.hdf5"),
        *("ant-mixed.h5", "hopper-mixed.hdf5", "hopper-medium.hdf5"),
        *("hopper-expert.hdf5", "hopper-mixed.txt", "my-hopper-mixed.hdf5"),
    ):
        (tmp_path / name).touch()
    return tmp_path


def test_a_folder_stands_for_its_files_in_the_order_of_the_table(folder: Path) -> None:
    chosen = SUITES["locomotion"].choose([str(folder)])
    assert [Path(file).name for file in chosen] == [
        "hopper-medium.hdf5",
        "hopper-mixed.hdf5",
        "ant-mixed.h5",
        "hopper_medium_replay-v2.hdf5",
        "hopper-medium-expert-sac.hdf5",
    ]
    found = SUITES["d4rl"].choose([str(folder)])
    assert str(folder / "hopper-mixed.hdf5") not in found


def test_names_and_files_are_taken_as_they_are_and_once(folder: Path) -> None:
    given = ["hopper-medium-v2", str(folder / "ant-mixed.h5"), str(folder)]
    chosen = SUITES["locomotion"].choose(given)
    assert list(chosen[:2]) == given[:2]
    assert len(chosen) == 6


def test_a_suite_of_files_needs_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"files such as halfcheetah-random\.hdf5"):
        SUITES["locomotion"].choose()
    with pytest.raises(ValueError, match=f"in {tmp_path}, such as .* found 0 others"):
        SUITES["locomotion"].choose([str(tmp_path)])
    with pytest.raises(ValueError, match="expected files of this suite"):
        SUITES["pointmaze"].choose([str(tmp_path)])


def test_given_datasets_are_read_with_their_recipes(folder: Path) -> None:
    arguments = ["d4rl", "--suite", "locomotion", "--small", "--datasets", str(folder)]
    command = parse(arguments)
    assert isinstance(command, D4rl)
    runs = _parse_suite("locomotion", command.datasets, arguments)
    assert [Path(run.dataset).name for run in runs][1] == "hopper-mixed.hdf5"
    assert {(run.seeds, run.episodes) for run in runs} == {(3, 5)}
    recipes = [recipe_for(run.dataset, small=True) for run in runs]
    assert [run.recipe for run in runs] == [*map(without_own, recipes)]
    assert recipes[1] == recipe_for("ant-mixed.h5", small=True)


def test_d4rls_suite_has_the_names_that_papers_compare_on() -> None:
    names = SUITES["d4rl"].choose()
    assert len(names) == 4 * 4 + 6
    assert {"walker2d-medium-replay-v2", "antmaze-large-play-v2"} <= set(names)


@pytest.mark.parametrize("command", ["study", "show"])
@pytest.mark.parametrize(
    "asked", [("--suite", "pointmaze"), ("--datasets", "hopper-medium-v2")]
)
def test_a_suite_is_for_the_main_command(
    command: str, asked: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *asked]) == 2
    assert (
        "expected one --dataset, got --suite or --datasets" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("asked", "dataset"),
    [
        ("goals", "tt/fourrooms/wander-v0"),
        ("mazes", "tt/pointmaze/umaze-sparse-v0"),
        ("--small goals", "tt/fourrooms/wander-v0"),
        ("horizon --output goals", "tt/pointmaze/umaze-v0"),
        ("--output goals horizon", "tt/pointmaze/umaze-v0"),
        (
            "goals --dataset tt/pointmaze/large-sparse-v0",
            "tt/pointmaze/large-sparse-v0",
        ),
    ],
)
def test_each_study_has_its_usual_data(asked: str, dataset: str) -> None:
    command = parse(["study", *asked.split()])
    assert isinstance(command, Study)
    assert command.run.dataset == dataset
    assert command.run.recipe == without_own(recipe_for(dataset))


def test_settings_of_one_method_alone_are_options_once() -> None:
    command = parse(["d4rl", "--dataset", "hopper-medium-v2", "--dt.steps", "7"])
    assert isinstance(command, D4rl)
    assert "dt" in own_settings()
    assert configure(command)[0].part(own_settings()["dt"]).steps == 7
    with pytest.raises(SystemExit):
        parse(["d4rl", "--own.0.steps", "7"])


def test_datasets_without_a_suite_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["d4rl", "--datasets", "hopper-medium-v2"]) == 2
    assert "expected --suite with --datasets" in capsys.readouterr().err
