"""A training that was stopped goes on as if it had not been."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tt_bench.methods import resumable
from tt_bench.methods.resumable import Training, train_in


def begin(stop_at: int | None = None) -> Training:
    torch.manual_seed(0)
    module = nn.Linear(3, 1)
    optimizer = torch.optim.Adam(module.parameters(), 0.1)
    draws = torch.Generator().manual_seed(1)

    def update(step: int) -> Tensor:
        if step == stop_at:
            raise KeyboardInterrupt
        loss: Tensor = module(torch.randn(4, 3, generator=draws)).square().mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        return loss

    return Training({"module": module}, {"optimizer": optimizer}, draws, update)


def weights(training: Training) -> list[float]:
    return [x for p in training.modules["module"].parameters() for x in p.flatten()]


def test_what_was_stopped_goes_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable, "_KEPT_EVERY", 10)
    straight, stopped, resumed = begin(), begin(stop_at=27), begin()
    train_in(tmp_path / "straight", "net.npz", straight, 40, lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        train_in(tmp_path / "parts", "net.npz", stopped, 40, lambda *_: None)
    assert (tmp_path / "parts" / "checkpoint.npz").exists()
    told: list[int] = []
    train_in(tmp_path / "parts", "net.npz", resumed, 40, lambda n, _: told.append(n))
    assert told == [40], "it began at step 20"
    assert weights(resumed) == weights(straight)
    left = {path.name for path in (tmp_path / "parts").iterdir()}
    assert left == {"net.npz", "training.csv"}
    assert resumed.seconds > stopped.seconds * 20 / 27 > 0


def test_what_is_finished_is_loaded(tmp_path: Path) -> None:
    first, second = begin(), begin(stop_at=0)
    train_in(tmp_path, "net.npz", first, 5, lambda *_: None)
    train_in(tmp_path, "net.npz", second, 5, lambda *_: None)
    assert weights(second) == weights(first)
    assert second.steps == 5


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut", b"no archive"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "net.npz").write_bytes(damage)
    with pytest.raises(ValueError, match=r"net\.npz: cut short or not of this"):
        train_in(tmp_path, "net.npz", begin(), 5, lambda *_: None)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    train_in(tmp_path, "net.npz", begin(), 5, lambda *_: None)
    other = begin()
    other.modules = {"module": nn.Linear(2, 1)}
    with pytest.raises(ValueError, match="not of this training"):
        train_in(tmp_path, "net.npz", other, 5, lambda *_: None)


def test_a_training_that_diverges_stops_and_keeps_what_was_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable, "_KEPT_EVERY", 10)
    broken = begin()
    update = broken.update

    def break_at(step: int) -> Tensor:
        return update(step) * (float("nan") if step + 1 >= 33 else 1.0)

    broken.update = break_at
    with pytest.raises(
        ValueError, match="loss was nan at step 40 of 60 and finite bef"
    ):
        train_in(tmp_path, "net.npz", broken, 60, lambda *_: None)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"checkpoint.npz", "training.csv"}
    straight, resumed = begin(), begin()
    train_in(tmp_path, "net.npz", resumed, 60, lambda *_: None)
    train_in(tmp_path / "other", "net.npz", straight, 60, lambda *_: None)
    assert weights(resumed) == weights(straight)


def test_weights_that_are_not_finite_are_never_kept(tmp_path: Path) -> None:
    broken = begin()
    for parameter in broken.modules["module"].parameters():
        parameter.data.fill_(float("inf"))
    with pytest.raises(ValueError, match="module/weight is not finite after step 0"):
        resumable.save_training(broken, tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


def test_altered_content_is_refused_and_earlier_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    train_in(tmp_path, path.name, begin(), 5, lambda *_: None)
    with np.load(path) as archive:
        arrays: dict[str, Any] = dict(archive)
    changed = {**arrays, "module/weight": arrays["module/weight"] + 1}
    np.savez(path, **changed)
    with pytest.raises(ValueError, match=r"net\.npz: .*not what was written"):
        train_in(tmp_path, path.name, begin(), 5, lambda *_: None)
    del changed["checksum"]  # as earlier versions wrote it
    np.savez(path, **changed)
    loaded = begin()
    train_in(tmp_path, path.name, loaded, 5, lambda *_: None)
    assert weights(loaded)[:3] == changed["module/weight"][0].tolist()
    np.savez_compressed(path, **changed)
    with pytest.raises(ValueError, match=r"net\.npz: .*it is compressed"):
        train_in(tmp_path, path.name, begin(), 5, lambda *_: None)
