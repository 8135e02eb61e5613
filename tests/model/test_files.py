"""A file is whole at every moment, whoever else writes it and however it ends."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from tt_model import _files

KIND = "a kind"


def tensors(value: float = 1.0, size: int = 8) -> dict[str, Tensor]:
    return {"a": torch.full((size,), value), "b": torch.arange(3)}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "f.safetensors"
    _files.write(path, KIND, tensors(), {"x": [1, None, "y"]})
    found, facts = _files.read(path, KIND)
    assert facts == {"x": [1, None, "y"]}
    assert {name: t.tolist() for name, t in found.items()} == {
        name: t.tolist() for name, t in tensors().items()
    }
    found["a"] += 1  # what was read is not the file
    assert torch.equal(_files.read(path, KIND)[0]["a"], tensors()["a"])


def test_the_header_has_the_names_asked_for(tmp_path: Path) -> None:
    path, keys = tmp_path / "f.safetensors", _files.Keys("kind", "content")
    _files.write(path, KIND, tensors(), {"x": 1}, keys=keys)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    assert header == {"kind": KIND, "version": "1", "content": json.dumps({"x": 1})}
    assert _files.read(path, KIND, keys=keys)[1] == {"x": 1}
    with pytest.raises(ValueError, match="must be a a kind file, got format None"):
        _files.read(path, KIND)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"got a folder.*name\.safetensors"):
        _files.write(tmp_path, KIND, tensors(), {})
    with pytest.raises(ValueError, match="got a folder"):
        _files.read(tmp_path, KIND)


@pytest.mark.parametrize("stop", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_no_other(
    stop: type[BaseException],
    call: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "f.safetensors"
    _files.write(path, KIND, tensors(1.0), {})

    def fail(*_: object) -> None:
        raise stop

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(stop):
            _files.write(path, KIND, tensors(2.0), {})
    assert list(tmp_path.iterdir()) == [path]
    assert torch.equal(_files.read(path, KIND)[0]["a"], tensors(1.0)["a"])


def recorded(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> list[tuple[str, str, list[str]]]:
    """Note each call that makes a file last, with the names beside it at that time."""
    calls: list[tuple[str, str, list[str]]] = []
    fsync, replace = os.fsync, os.replace

    def note(name: str, target: str, act: Callable[[], None]) -> None:
        calls.append((name, target, [p.name for p in path.parent.iterdir()]))
        act()

    def sync(handle: int) -> None:
        kind = "folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file"
        note("fsync", kind, lambda: fsync(handle))

    def move(source: Path, target: Path) -> None:
        note("replace", target.name, lambda: replace(source, target))

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", move)
    return calls


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_the_file_is_on_the_disk_before_its_name_and_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.safetensors"
    calls = recorded(monkeypatch, path)
    for _ in range(2):
        _files.write(path, KIND, tensors(), {})
    assert [call[:2] for call in calls] == 2 * [
        ("fsync", "file"),
        ("replace", path.name),
        ("fsync", "folder"),
    ]
    first, second = (next(n for n in calls[i][2] if n != path.name) for i in (0, 3))
    assert first != second
    for name in (first, second):
        assert name.startswith(f".{path.name}.{os.getpid()}-")


def test_a_system_that_cannot_sync_folders_writes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> int:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        _files.write(tmp_path / "f.safetensors", KIND, tensors(), {})
    assert _files.read(tmp_path / "f.safetensors", KIND)[1] == {}


def test_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    path, size = tmp_path / "f.safetensors", 50_000

    def write(value: int) -> None:
        for _ in range(5):
            _files.write(path, KIND, tensors(value, size), {"value": value})

    threads = [threading.Thread(target=write, args=(v,)) for v in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            found, facts = _files.read(path, KIND)
            assert torch.equal(found["a"], tensors(facts["value"], size)["a"])
    for thread in threads:
        thread.join()
    assert list(tmp_path.iterdir()) == [path]
