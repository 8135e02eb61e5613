"""A file is whole at every moment, whoever else writes it and however it ends."""

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
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
    assert len(header.pop("checksum")) == 32
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


def flipped(content: bytes, place: int, bit: int) -> bytes:
    changed = content[place] ^ (1 << bit)
    return content[:place] + bytes([changed]) + content[place + 1 :]


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path, draws = tmp_path / "f.safetensors", random.Random(0)
    _files.write(path, KIND, tensors(), {"x": [1, None, "y"]})
    content = path.read_bytes()
    accepted = 0
    for place in range(len(content)):
        path.write_bytes(flipped(content, place, draws.randrange(8)))
        try:
            found, facts = _files.read(path, KIND)
        except ValueError as error:
            assert "f.safetensors" in str(error)  # noqa: PT017
        else:
            accepted += 1
            assert facts == {"x": [1, None, "y"]}
            assert {name: t.tolist() for name, t in found.items()} == {
                name: t.tolist() for name, t in tensors().items()
            }
    assert accepted < 3


def test_a_file_without_a_checksum_is_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "f.safetensors"
    header = {"format": KIND, "version": "1", "facts": json.dumps({"x": 1})}
    save_file(tensors(), path, header)
    assert _files.read(path, KIND)[1] == {"x": 1}
    for facts in ("[1]", "{", "null", "[" * 100_000):
        save_file(tensors(), path, {**header, "facts": facts})
        with pytest.raises(ValueError, match=r"f\.safetensors .* damaged"):
            _files.read(path, KIND)
    for odd in ({**header, "checksun": "0"}, {**header, "checksum": "0"}):
        save_file(tensors(), path, odd)
        with pytest.raises(ValueError, match=r"f\.safetensors .* damaged"):
            _files.read(path, KIND)
    del header["facts"]
    save_file(tensors(), path, header)
    with pytest.raises(ValueError, match=r"f\.safetensors .* damaged"):
        _files.read(path, KIND)


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"{}x",
        b"\xff",
        b'{"__metadata__": 3}',
        b'{"a": {"dtype": "F32", "shape": [1000000000000], "data_offsets": [0, 9e99]}}',
        b'{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, Infinity]}}',
        b'{"a": 1}',
        b"[" * 100_000,
    ],
)
def test_a_header_is_not_believed(header: bytes, tmp_path: Path) -> None:
    path = tmp_path / "f.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError, match=r"f\.safetensors must be a"):
        _files.read(path, KIND)
    path.write_bytes((2**63).to_bytes(8, "little") + header)
    with pytest.raises(ValueError, match="ends within its header"):
        _files.read(path, KIND)


def test_empty_and_single_numbers_of_every_type_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "f.safetensors"
    types = torch.float64, torch.float16, torch.bfloat16, torch.bool, torch.uint8
    shapes: list[list[int]] = [[], [0], [2, 0, 3], [3, 1]]
    written = {
        f"{dtype} {shape}": torch.ones(shape, dtype=dtype)
        for dtype in types
        for shape in shapes
    }
    _files.write(path, KIND, written, {})
    found, _ = _files.read(path, KIND)
    assert found.keys() == written.keys()
    for name, tensor in written.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    path = tmp_path / "f.safetensors"
    source = (
        "import resource, sys, torch\nfrom pathlib import Path\n"
        f"from {_files.__package__} import _files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    _files.write(Path(sys.argv[1]), 'k', {'a': torch.ones(999)}, {})\n"
        "except OSError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", source, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"[Errno 27] File too large: '{path}'"
    assert not list(tmp_path.iterdir())


def test_a_pipe_is_refused_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f.safetensors")
    with pytest.raises(ValueError, match="no regular file"):
        _files.read(tmp_path / "f.safetensors", KIND)
