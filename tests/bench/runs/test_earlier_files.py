"""Results, networks and budgets of the version before this layout are found again."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import tt_critic
import tt_model
from tt_bench.cli.main import main
from tt_bench.data.episodes import Episodes
from tt_bench.data.minari_write import MinariNotes, write_minari

EARLIER = Path(__file__).parent / "earlier"
NAME = "test/pendulum-v0"
METHODS = ("random", "behaviour", "bc", "bc-10", "iql", "tt", "tt-uniform", "tt+q")
COMMAND = [
    *("d4rl", "--dataset", NAME, "--methods", *METHODS),
    *("--seeds", "1", "--episodes", "2", "--max-steps", "3", "--training.steps", "2"),
    *("--tokenizer.bins", "8", "--model.layers", "1", "--model.heads", "1"),
    *("--model.width", "8", "--training.batch", "4", "--training.transitions", "3"),
    *("--planner.context", "2", "--planner.horizon", "2", "--planner.beam", "2"),
    *("--cloning.steps", "2", "--cloning.width", "4"),
    *("--critic.steps", "2", "--critic.width", "4", "--critic.batch", "4"),
    # what the recipe was then
    *("--model.inputs", "token", "--model.outputs", "table", "--model.no-per-position"),
    *("--model.attending", "None", "--training.learning-rate", "2e-3"),
    *("--training.final-fraction", "0.1", "--training.action-weight", "5"),
]


@pytest.fixture
def restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return what puts the files of an earlier version where the next run looks."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    angles = draws.uniform(-np.pi, np.pi, 60)
    seen = [np.cos(angles), np.sin(angles), draws.uniform(-8, 8, 60)]
    episodes = Episodes(
        observations=np.stack(seen, axis=1),
        actions=draws.uniform(-2, 2, (60, 1)),
        rewards=-np.arange(60) / 10,
        ends=np.arange(3, 61, 3),
        terminated=np.zeros(20, np.bool_),
        final_observations=np.tile([1, 0, 0], (20, 1)),
    )
    notes = MinariNotes(env=gym.spec("Pendulum-v1"), reference=(-20.0, 0.0))
    write_minari(episodes, NAME, notes)

    def restored(kind: str) -> Path:
        return Path(shutil.copytree(EARLIER / kind, ".tt/test-pendulum-v0"))

    return restored


def refuse_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("trained again")

    monkeypatch.setattr(tt_model, "train", refuse)
    monkeypatch.setattr(tt_critic, "train_critic", refuse)


def test_results_are_found(
    restore: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = restore("steps")
    before = sorted(folder.rglob("*"))
    assert main(COMMAND) == 0
    assert "8 runs, all finished before" in capsys.readouterr().out
    assert sorted(folder.rglob("*")) == before


def test_networks_are_found_where_results_are_not(
    restore: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = restore("steps")
    shutil.rmtree(folder / "results")
    networks = sorted(folder.iterdir())
    refuse_training(monkeypatch)
    assert main(COMMAND) == 0
    logs = [one for one in folder.iterdir() if one.name.startswith("bc-")]
    assert sorted(folder.iterdir()) == sorted([*networks, *logs, folder / "results"])
    kept = {file.name for log in logs for file in log.iterdir()}
    assert kept == {"settings.json", "training.csv"}
    assert len(list((folder / "results").iterdir())) == len(METHODS)


def test_budgets_are_found(
    restore: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = restore("minutes")
    refuse_training(monkeypatch)
    assert main([*COMMAND, "--methods", "iql", "tt", "--budget", "0.005"]) == 0
    printed = capsys.readouterr().out
    assert "timing" not in printed
    assert "126 steps of a transformer" in printed
    assert "2 runs, all finished before" in printed
    assert len(list((folder / "budgets").iterdir())) == 2
