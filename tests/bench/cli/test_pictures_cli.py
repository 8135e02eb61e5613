"""Pictures that the command line leaves behind."""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import pytest
from matplotlib.image import imread

from tt_bench.cli.main import main
from tt_bench.data.episodes import Episodes
from tt_bench.data.minari_write import MinariNotes, write_minari
from tt_bench.report import video as video_module
from tt_bench.studies.goals import GoalSettings
from tt_bench.tasks.maze import MAZES, cells_to_xy, free_cells
from tt_bench.tasks.point_maze import maze_id

TINY = [
    *("--seeds", "1", "--episodes", "1", "--max-steps", "3", "--training.steps", "2"),
    *("--tokenizer.bins", "8", "--model.layers", "1", "--model.heads", "1"),
    *("--model.width", "8", "--training.batch", "4", "--training.transitions", "3"),
    *("--planner.context", "2", "--planner.horizon", "2", "--planner.beam", "2"),
    *("--critic.steps", "2", "--critic.width", "4", "--critic.batch", "4"),
    *("--threads", "1"),
]


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.chdir(tmp_path)


def write_dataset(name: str, env_id: str, observations: list[list[float]]) -> list[str]:
    """Write 60 random transitions and return the options for them."""
    box = gym.make(env_id).action_space
    draws = np.random.default_rng(0)
    seen = np.array(observations, np.float32)[np.arange(60) % len(observations)]
    episodes = Episodes(
        observations=seen + draws.normal(0, 0.1, seen.shape),
        actions=draws.uniform(-1, 1, (60, *(box.shape or ()))),
        rewards=draws.uniform(size=60),
        ends=np.arange(3, 61, 3),
        terminated=np.zeros(20, np.bool_),
        final_observations=seen[:20],
    )
    notes = MinariNotes(env=gym.spec(env_id), reference=(0.0, 1.0))
    write_minari(episodes, name, notes)
    return ["--dataset", name, *TINY]


def maze_options() -> list[str]:
    umaze = MAZES["umaze"]
    middles = cells_to_xy(umaze, free_cells(umaze))
    seen = [[x, y, 0.0, 0.0] for x, y in middles.tolist()]
    return write_dataset("test/maze-v0", maze_id("umaze", terminate=True), seen)


def hopper_options() -> list[str]:
    return write_dataset("test/hopper-v0", "Hopper-v5", [[1.2, *[0.0] * 10]])


def test_the_study_of_mazes_draws_plans_and_the_main_command_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = maze_options()
    assert main(["d4rl", *options, "--methods", "tt", "tt+q"]) == 0
    assert not list(tmp_path.glob(".tt/*/*.png"))
    capsys.readouterr()
    assert main(["study", "mazes", *options]) == 0
    printed = capsys.readouterr().out
    assert "training: " not in printed, "what was trained was not found"
    (path,) = tmp_path.glob(".tt/*/studies/mazes.png")
    assert str(path.relative_to(tmp_path)) in printed
    assert imread(path).shape[1] == 1200
    found = json.loads(path.with_suffix(".json").read_text())
    assert set(found["returns"]) == {"IQL", "TT", "TT+Q"}
    assert found["agreement"] == {}, "this data is not made here"


def test_the_study_of_goals_draws_ways_and_needs_a_point_maze(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    often = partial(GoalSettings, longest=2, every=3)
    monkeypatch.setattr("tt_bench.cli.study.GoalSettings", often)
    options = [*maze_options(), "--cloning.steps", "2", "--pairs", "2"]
    command = ["study", "goals", *options, "--training.transitions", "2"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    (path,) = tmp_path.glob(".tt/*/studies/goals.png")
    assert str(path.relative_to(tmp_path)) in printed
    assert imread(path).shape[1] == 1200
    found = json.loads(path.with_suffix(".json").read_text())
    assert {name: len(seeds) for name, seeds in found["success"].items()} == {
        "bc": 1,
        "tt": 1,
    }
    assert main(command) == 0
    assert "training: " not in capsys.readouterr().out, "it was not found again"
    assert main(["study", "goals", *hopper_options()]) == 2
    assert "expected a point maze that ends in its goal" in capsys.readouterr().err


def test_the_study_of_mazes_refuses_what_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["study", "mazes", *hopper_options()]) == 2
    assert "expected a maze, Hopper-v5 is none" in capsys.readouterr().err


def test_an_episode_is_shown_once_a_model_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = hopper_options()
    assert main(["show", *options]) == 2
    refused = capsys.readouterr().err
    assert "d4rl --dataset test/hopper-v0 --methods tt`" in refused
    assert not list(tmp_path.glob(".tt/*/transformer-*")), "an empty folder was made"
    assert main(["d4rl", *options, "--methods", "tt", "tt+q"]) == 0
    assert main(["show", *options, "--method", "tt+q", "--numbers", "0", "5"]) == 0
    (path,) = tmp_path.glob(".tt/*/rollouts/tt-plus-q-seed0-*.png")
    assert str(path.relative_to(tmp_path)) in capsys.readouterr().out
    assert imread(path).shape[1] == 1200
    assert not list(tmp_path.glob(".tt/*/*/*.mp4"))


def test_a_study_leaves_a_picture_and_its_numbers_and_is_found_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--training.transitions", "2", "--ensemble.steps", "2"]
    options = [*hopper_options(), *small, "--ensemble.width", "4"]
    horizon = ["--starts", "3", "--particles", "2", "--steps-ahead", "1"]
    asked = {
        "horizon": (*horizon,),
        "horizon-masked": (*horizon, "--masked"),
        "attention": ("--sequences", "4"),
        "imitation": ("--cloning.steps", "2"),
    }
    for name, more in asked.items():
        command = ["study", name.removesuffix("-masked"), *options, *more]
        assert main(command) == 0
        printed = capsys.readouterr().out
        (path,) = tmp_path.glob(f".tt/*/studies/{name}.png")
        assert str(path.relative_to(tmp_path)) in printed
        assert imread(path).shape[0] > 300
        found = json.loads(path.with_suffix(".json").read_text())
        path.unlink()
        assert main(command) == 0
        assert "training: " not in capsys.readouterr().out
        assert json.loads(path.with_suffix(".json").read_text()) == found
    assert len(list(tmp_path.glob(".tt/*/studies/horizon-seed0-*.json"))) == 2


def test_each_seed_method_and_setting_has_a_picture_of_its_own(tmp_path: Path) -> None:
    options = [*hopper_options(), "--first-seed", "3"]
    assert main(["d4rl", *options, "--methods", "tt", "tt-uniform"]) == 0
    assert main(["show", *options, "--first-seed", "0"]) == 2
    for more in (
        ["--method", "tt"],
        ["--method", "tt-uniform"],
        ["--method", "tt", "--planner.horizon", "1"],
        ["--method", "tt", "--max-steps", "2"],
        ["--method", "tt"],
    ):
        assert main(["show", *options, *more]) == 0
    names = [path.name for path in tmp_path.glob(".tt/*/rollouts/*.png")]
    assert len(names) == 4
    assert sum(name.startswith("tt-uniform-seed3-") for name in names) == 1


def test_a_model_of_a_budget_is_shown_and_nothing_is_timed_for_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = hopper_options()
    budget = [*options, "--budget", "0.005"]
    assert main(["d4rl", *options, "--methods", "tt"]) == 0
    assert main(["show", *budget]) == 2, "a model of other steps was shown"
    assert "expected a budget of 0.005 min" in capsys.readouterr().err
    assert main(["d4rl", *budget, "--methods", "tt"]) == 0
    assert main(["show", *budget]) == 0
    assert main(["show", *budget, "--method", "tt+q"]) == 2
    assert main(["show", *budget, "--planner.horizon", "1"]) == 0
    capsys.readouterr()
    assert main(["study", "attention", *budget]) == 0
    printed = capsys.readouterr().out
    assert "steps of a transformer" in printed
    assert "training: " not in printed, "the model of the budget was not found"


def require_graphics() -> None:
    """Skip where MuJoCo can't draw, asked in a process of its own, or ffmpeg lacks."""
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        pytest.skip("imageio[ffmpeg] is not installed")
    code = "import mujoco; mujoco.GLContext(64, 64).make_current()"
    video_module.choose_renderer()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:]
        pytest.skip(f"MuJoCo draws nothing here: {reason}")


def test_an_episode_becomes_a_video(tmp_path: Path) -> None:
    require_graphics()
    options = hopper_options()
    assert main(["d4rl", *options, "--methods", "tt"]) == 0
    assert main(["show", *options, "--video"]) == 0
    (path,) = tmp_path.glob(".tt/*/rollouts/*.mp4")
    video: Any = importlib.import_module("imageio.v2").get_reader(path)
    with video:
        assert video.count_frames() == 4
        assert video.get_data(0).std() > 10, "an empty picture"


def test_a_video_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")

    class Breaking(gym.Env[int, int]):
        metadata = {"render_fps": 25}  # noqa: RUF012
        frames: ClassVar = [np.zeros((64, 64, 3), np.uint8)]

        def render(self) -> Any:
            return self.frames.pop()

    def record_twice() -> None:
        with video_module.recorded(Breaking(), tmp_path / "new" / "x.mp4") as shoot:
            shoot()
            shoot()

    with pytest.raises(IndexError):
        record_twice()
    assert not list((tmp_path / "new").iterdir())


def test_a_missing_video_writer_is_named_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with (
        pytest.raises(ModuleNotFoundError, match=r"pip install tt-bench\[video\]"),
        video_module.recorded(gym.make("CartPole-v1"), tmp_path / "x.mp4"),
    ):
        pass


def test_the_renderer_that_was_chosen_before_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    video_module.choose_renderer()
    assert os.environ["MUJOCO_GL"] == "osmesa"


def test_the_camera_follows_a_walker() -> None:
    walker, cart = gym.make("Hopper-v5"), gym.make("CartPole-v1")
    renderer = walker.unwrapped.mujoco_renderer  # type: ignore[attr-defined]
    video_module.follow(walker)
    assert renderer.model.camera(renderer.camera_id).name == "track"
    video_module.follow(cart)  # which has no such camera
