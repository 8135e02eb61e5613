"""Training that leaves the numbers stops there, and keeps what was good."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from tt_model import (
    Progress,
    Sequences,
    TrainConfig,
    TrajectoryTransformer,
    TransformerConfig,
    train,
)
from tt_model.training.divergence import are_finite
from tt_model.training.run import Run
from tt_model.training.steps import HeldOut, Learner

SETTINGS: dict[str, Any] = {
    "steps": 30,
    "batch": 4,
    "transitions": 2,
    "checkpoint_every": 10,
    "steps_per_epoch": 7,
}


def sequences() -> Sequences:
    tokens = np.random.default_rng(0).integers(0, 5, (60, 3)).astype(np.uint8)
    return Sequences(tokens, np.arange(6, 61, 6), np.arange(10) % 2 == 0)


def make() -> TrajectoryTransformer:
    torch.manual_seed(0)
    return TrajectoryTransformer(
        TransformerConfig(5, 3, layers=1, heads=2, width=16, window=2)
    )


def break_at(
    monkeypatch: pytest.MonkeyPatch, step: int, *, loss: float, weight: bool = False
) -> None:
    update = Learner.update

    def broken(learner: Learner, batch: Any, now: int) -> torch.Tensor:
        good = update(learner, batch, now)
        if now + 1 != step:
            return good
        if weight:
            with torch.no_grad():
                learner.model.head.weight[0, 0, 0] = math.inf
        return good * 0 + loss

    monkeypatch.setattr(Learner, "update", broken)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
@pytest.mark.parametrize("step", [1, 7, 8, 17, 30])
@pytest.mark.parametrize("near", [True, False])
def test_the_first_loss_that_is_not_finite_ends_training(
    loss: float, step: int, near: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    if not near:  # as on a device that must be waited for
        monkeypatch.setattr(
            Run,
            "_looks",
            lambda run: any(run.step % mark == 0 for mark in (5, 7, 10)),
        )
    steps: list[int] = []

    def note(progress: Progress) -> None:
        steps.append(progress.step)

    with monkeypatch.context() as patch:
        break_at(patch, step, loss=loss)
        with pytest.raises(ValueError, match=rf"step {step} of 30 the loss was") as one:
            train(
                make(),
                sequences(),
                TrainConfig(**SETTINGS, learning_rate=3e-3, report_every=5),
                checkpoint=path,
                on_progress=note,
            )
    assert "learning_rate=0.003" in str(one.value)
    assert all(done < step for done in steps)
    kept = (step - 1) // 10 * 10
    assert path.exists() == bool(kept)
    assert ("last good checkpoint stays in" in str(one.value)) == bool(kept)
    config = TrainConfig(**SETTINGS, learning_rate=3e-3)
    history = train(make(), sequences(), config, checkpoint=path)
    assert all(math.isfinite(epoch.training_loss) for epoch in history)


@pytest.mark.parametrize("step", [10, 30])
@pytest.mark.parametrize("kept", [True, False])
def test_parameters_that_are_not_finite_are_never_kept(
    step: int, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    break_at(monkeypatch, step, loss=1.0, weight=True)
    with pytest.raises(ValueError, match=rf"step {step} of 30 parameters ceased"):
        train(
            make(),
            sequences(),
            TrainConfig(**SETTINGS),
            checkpoint=path if kept else None,
        )
    assert path.exists() == (kept and step > 10)


def test_a_rate_that_is_too_high_is_one_error(tmp_path: Path) -> None:
    path, model = tmp_path / "run.safetensors", make()
    config = TrainConfig(**SETTINGS, learning_rate=1e30, warmup_steps=0)
    for _ in range(2):  # again the same, from whatever was kept
        with pytest.raises(
            ValueError, match=r"diverged: at step .*learning_rate=1e\+30"
        ):
            train(make(), sequences(), config, checkpoint=path)
    with pytest.raises(ValueError, match="diverged: at step"):
        train(model, sequences(), config, held_out=sequences())
    assert not model.training


def test_a_checkpoint_of_a_diverged_run_is_refused(tmp_path: Path) -> None:
    path, config = tmp_path / "run.safetensors", TrainConfig(**SETTINGS)
    train(make(), sequences(), config, checkpoint=path)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    header.pop("checksum", None)  # as an earlier version wrote it
    for name in ("model.head.weight", "optimizer.exp_avg.head.weight"):
        tensors = load_file(path)
        tensors[name].view(-1)[3] = math.nan
        save_file(tensors, tmp_path / "bad.safetensors", metadata=header)
        with pytest.raises(ValueError, match="not finite, from a training that diver"):
            train(make(), sequences(), config, checkpoint=tmp_path / "bad.safetensors")


def test_an_infinite_held_out_loss_is_a_divergence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HeldOut, "losses", lambda *_: (1.0, math.inf, math.nan))
    with pytest.raises(ValueError, match="step 7 of 30 the held-out loss"):
        train(make(), sequences(), TrainConfig(**SETTINGS), held_out=sequences())
    monkeypatch.setattr(HeldOut, "losses", lambda *_: (1.0, 1.0, math.nan))
    history = train(make(), sequences(), TrainConfig(**SETTINGS), held_out=sequences())
    assert math.isnan(history[-1].held_out[2])  # no token stood there


def test_finite_numbers_are_finite() -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    assert are_finite(model, optimizer)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert are_finite(model, optimizer)
    optimizer.state[model.weight]["exp_avg"][0, 0] = math.inf
    assert not are_finite(model, optimizer)
