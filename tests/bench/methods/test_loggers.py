"""TensorBoard and W&B are told what the log is told, and never fail a training."""

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from tt_bench.interface import Event
from tt_bench.methods import loggers
from tt_bench.methods.loggers import Loggers, check_loggers


class Told:
    """A logger that remembers, and fails where it is told to."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.rows: dict[int, dict[str, float]] = {}
        self.status: str | None = None
        self._fails_at = fails_at

    def log_metrics(self, metrics: Any, step: int) -> None:
        if step == self._fails_at:
            raise OSError("no space left")
        self.rows[step] = dict(metrics)

    def finalize(self, status: str) -> None:
        self.status = status


def test_loggers_get_the_finite_numbers_of_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    monkeypatch.setattr(loggers, "LOGGERS", {"wandb": lambda *_: told})
    several = Loggers(("wandb",), tmp_path)
    several.tell(1, {"loss": 2.0, "scored": "tt", "score": float("nan")})
    several.tell(2, {"loss": 1.0})
    several.close(finished=True)
    assert told.rows == {1: {"loss": 2.0}, 2: {"loss": 1.0}}
    assert told.status == "success"


def test_a_logger_that_fails_is_named_once_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path, step: int) -> Told:
        raise ConnectionError("no network")

    told, events = Told(fails_at=2), list[Event]()
    known = {"wandb": refuse, "tensorboard": lambda *_: told}
    monkeypatch.setattr(loggers, "LOGGERS", known)
    several = Loggers(("wandb", "tensorboard"), tmp_path, events.append)
    for step in range(1, 4):
        several.tell(step, {"loss": 1.0})
    several.close(finished=False)
    assert [event.text for event in events] == [
        "wandb is left out of the log: no network",
        "tensorboard is left out of the log: no space left",
    ]
    assert list(told.rows) == [1]
    assert told.status is None


def test_what_is_not_known_or_not_installed_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match="tensorboard or wandb to log to, got neptune"):
        check_loggers(["neptune"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'tt-bench\[wandb\]'"):
        check_loggers(["wandb"])


def test_tensorboard_has_each_step_once_after_a_training_goes_on(
    tmp_path: Path,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own libraries
        processing = "tensorboard.backend.event_processing"
        reader = pytest.importorskip(f"{processing}.event_accumulator")
        for steps in ((10, 20, 30), (20, 30, 40)):
            several = Loggers(("tensorboard",), tmp_path)
            for step in steps:
                several.tell(step, {"loss": float(step)})
            several.close(finished=True)
        folder = tmp_path / "tensorboard"
        events = reader.EventAccumulator(str(folder)).Reload()
        found = [(event.step, event.value) for event in events.Scalars("loss")]
    assert found == [(10, 10.0), (20, 20.0), (30, 30.0), (40, 40.0)]


CODE = """
import sys
from pathlib import Path
from tt_bench.methods.loggers import Loggers
told = []
several = Loggers(("wandb",), Path(sys.argv[1]), told.append)
for step in (1, 2):
    several.tell(step, {"loss": 1.0})
several.close(finished=True)
print("TOLD", len(told))
"""


@pytest.mark.parametrize("mode", ["offline", "online", "disabled"])
def test_wandb_without_a_network_or_an_account_never_fails_a_training(
    tmp_path: Path, mode: str
) -> None:
    pytest.importorskip("wandb")
    away = {"WANDB_MODE": mode, "WANDB_BASE_URL": "http://127.0.0.1:9"}
    home = {"HOME": str(tmp_path), "WANDB_API_KEY": "0" * 40}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        env={**os.environ, **away, **home},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    told = int(done.stdout.rpartition("TOLD ")[2])
    assert told == (1 if mode == "online" else 0), done.stdout
    if mode == "offline":
        assert list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))
