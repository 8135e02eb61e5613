"""A run that is stopped while it plays goes on where it was."""

import tracemalloc
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from tt_bench.agents.transformer import TransformerAgent
from tt_bench.evaluation import resume
from tt_bench.interface import FloatArray, silent
from tt_bench.methods.method import Context, Prepared
from tt_bench.methods.table import METHODS
from tt_bench.results.result import RunResult
from tt_bench.results.store import Store
from tt_bench.runs import experiment as experiment_module
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run
from tt_tokenize import Layout

LAYOUT = Layout(observation=3, action=1)
STEPS = 9
RUN = Run("tt", 0)


class Rough:
    """Bins of width a tenth from -10 to 10."""

    bins = 201

    def encode(self, data: npt.NDArray[Any], columns: Any = None) -> npt.NDArray[Any]:
        tokens: npt.NDArray[np.uint8] = np.clip(data * 10 + 100, 0, 200).astype(
            np.uint8
        )
        return tokens

    def decode(self, tokens: npt.NDArray[Any], columns: Any = None) -> FloatArray:
        numbers: FloatArray = (tokens.astype(np.float32) - 100) / np.float32(10)
        return numbers


class Plan(NamedTuple):
    tokens: Tensor


class Drawn:
    """Plans random actions that also depend on all that it sees; counts its plans."""

    def __init__(self, stop_at: int | None) -> None:
        self.stop_at = stop_at
        self.plans = 0

    def __call__(self, prefix: Tensor, generator: torch.Generator) -> Plan:
        drawn = torch.randint(0, 41, (len(prefix), 2), generator=generator)
        if self.plans == self.stop_at:
            raise KeyboardInterrupt
        self.plans += 1
        tokens = torch.zeros(len(prefix), 2, LAYOUT.width, dtype=torch.int64)
        tokens[:, :, 3] = 80 + (drawn + prefix.sum(1, keepdim=True)) % 41
        return Plan(tokens)


class Stage:
    """An experiment in a folder, whose transformer is replaced by random plans."""

    def __init__(
        self, made: Experiment, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder = made.config.output / name
        self.experiment = attrs.evolve(
            made,
            config=attrs.evolve(made.config, episodes=3, max_steps=STEPS),
            store=Store.of(self.folder, "made", {}, {}),
        )
        self.monkeypatch = monkeypatch

    def play(self, stop_at: int | None = None) -> tuple[RunResult, Drawn]:
        planner = Drawn(stop_at)

        def prepare(_: Context) -> Prepared:
            low, high = np.full(1, -2, np.float32), np.full(1, 2, np.float32)
            agent = TransformerAgent(
                Rough(), LAYOUT, planner, context=3, low=low, high=high, plan_every=2
            )
            return Prepared(agent)

        method = METHODS["tt"]._replace(prepare=prepare)
        self.monkeypatch.setattr(experiment_module, "METHODS", {"tt": method})
        return self.experiment.execute(RUN, silent), planner

    def saved(self) -> list[Path]:
        return list(self.folder.rglob("*.played.npz"))

    def change(self, **changes: Any) -> None:
        """Replace parts of what was saved."""
        (path,) = self.saved()
        with np.load(path) as saved:
            parts: dict[str, Any] = dict(saved)
        np.savez(path, **parts | changes)


@pytest.fixture
def whole(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> RunResult:
    """Play without a stop."""
    return Stage(experiment, "whole", monkeypatch).play()[0]


@pytest.fixture
def stopped(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Stop in the middle of the fourth plan, after six steps."""
    stage = Stage(experiment, "stopped", monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        stage.play(stop_at=3)
    assert len(stage.saved()) == 1
    return stage


def test_a_stopped_run_ends_as_one_that_was_not(
    whole: RunResult, stopped: Stage
) -> None:
    result, planner = stopped.play()
    assert planner.plans == 2  # of five: what was played is not planned again
    assert result.returns == whole.returns
    assert len(set(result.returns)) == 3
    assert result.lengths == [STEPS] * 3
    assert stopped.saved() == []


def test_a_run_can_be_stopped_again(whole: RunResult, stopped: Stage) -> None:
    with pytest.raises(KeyboardInterrupt):
        stopped.play(stop_at=0)
    with pytest.raises(KeyboardInterrupt):
        stopped.play(stop_at=1)
    result, planner = stopped.play()
    assert planner.plans == 1
    assert result.returns == whole.returns


def test_the_time_of_all_parts_counts(stopped: Stage) -> None:
    stopped.change(seconds=100.0, act_seconds=np.full(6, 9.0))
    seconds = stopped.play()[0].seconds
    assert 100 < seconds["evaluate"] < 110
    assert seconds["act"] == pytest.approx(6.0, abs=0.1)  # six steps of nine


def test_what_earns_something_else_now_is_played_from_the_start(
    whole: RunResult, stopped: Stage
) -> None:
    stopped.change(rewards=np.full((6, 3), 1.0))  # a pendulum's are below 0
    result, planner = stopped.play()
    assert planner.plans == 5
    assert result.returns == whole.returns
    assert stopped.saved() == []


def test_a_damaged_file_is_named(stopped: Stage) -> None:
    (path,) = stopped.saved()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"played\.npz: cut short .* delete it"):
        stopped.play()


def test_a_killed_run_has_what_was_saved_a_minute_before(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "_SAVE_EVERY", 0.0)
    stage = Stage(experiment, "killed", monkeypatch)
    monkeypatch.setattr(experiment_module, "save_result", _killed)
    with pytest.raises(RuntimeError, match="killed"):
        stage.play()
    (path,) = stage.saved()
    with np.load(path) as saved:
        assert saved["actions"].shape == (STEPS, 3, 1)


def _killed(*_: object) -> None:
    raise RuntimeError("killed")


def damage(**changes: Any) -> Any:
    return lambda parts: {**parts, **changes}


@pytest.mark.parametrize(
    "change",
    [
        damage(actions=np.zeros((6, 2, 1), np.float32)),
        damage(actions=np.zeros(6)),
        damage(actions=np.array(3.0)),
        damage(actions=np.full((6, 3, 1), "x")),
        damage(rewards=np.zeros((5, 3))),
        damage(act_seconds=np.zeros(2)),
        damage(seconds=np.zeros(2)),
        damage(seconds=np.array("long")),
        damage(**{"memory.history": np.zeros(3)}),
        damage(**{"memory.generator": np.zeros(3, np.uint8)}),
        damage(**{"memory.offset": np.zeros(3)}),
        lambda parts: {k: v for k, v in parts.items() if k != "memory.plans"},
        lambda parts: {k: v for k, v in parts.items() if k != "rewards"},
        lambda _: {},
    ],
)
def test_what_was_not_played_by_this_run_is_one_clear_line(
    change: Any, stopped: Stage
) -> None:
    (path,) = stopped.saved()
    with np.load(path) as saved:
        parts: dict[str, Any] = dict(saved)
    np.savez(path, **change(parts))
    with pytest.raises(ValueError, match=r"played\.npz: cut short .* delete it"):
        stopped.play()


def test_an_archive_that_inflates_is_refused_unread(stopped: Stage) -> None:
    (path,) = stopped.saved()
    with np.load(path) as saved:
        parts: dict[str, Any] = dict(saved)
    np.savez_compressed(path, **parts, more=np.zeros(10**8, np.uint8))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"played\.npz: cut short .* delete it"):
        stopped.play()
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()
