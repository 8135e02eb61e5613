"""The compiled step is built once, whole or not at all, where only its user writes."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tt_model import Decoder, TrajectoryTransformer, TransformerConfig
from tt_model.cache import library

# Says what it would of itself, waits, and leaves a library that says nothing.
COMPILER = """#!/bin/sh
case "$*" in *-dM*) echo "#define MADE 1"; exit 0;; esac
for out; do :; done
printf half > "$out"
sleep {seconds}
echo built >> "{log}"
{end}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Point the cache to a folder of the test, and look for a library anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TT_MODEL_COMPILED", raising=False)
    library.load_library.cache_clear()
    yield tmp_path / "cache" / "tt-model"
    library.load_library.cache_clear()


def compiler(folder: Path, *, seconds: float = 0.0, end: str = "exit 0") -> str:
    """Make a stand-in for a compiler, and return its path."""
    path = folder / "compiler"
    path.write_text(COMPILER.format(seconds=seconds, end=end, log=folder / "log"))
    path.chmod(0o755)
    return str(path)


def walk() -> torch.Tensor:
    """Return the logits of a few steps of a small network."""
    torch.manual_seed(0)
    config = TransformerConfig(vocabulary=7, transition=5, layers=2, heads=2, width=16)
    decoder = Decoder(TrajectoryTransformer(config))
    logits, state = decoder.start(torch.ones(2, 7, dtype=torch.int64))
    for _ in range(4):
        logits, state = decoder.step(logits.argmax(-1), state)
    return logits


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_without_a_compiler_steps_are_plain_and_this_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = walk()
    library.load_library.cache_clear()
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    caplog.clear()
    for _ in range(3):
        torch.testing.assert_close(walk(), expected)
    (message,) = warnings_of(caplog)
    assert "no C++ compiler; install g++ or clang++, or name it in CXX" in message


def test_a_user_can_do_without_and_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, cache: Path
) -> None:
    monkeypatch.setenv("TT_MODEL_COMPILED", "0")
    walk()
    assert library.load_library() is None
    assert warnings_of(caplog) == []
    assert not cache.exists()


def test_a_compiler_that_fails_leaves_nothing_and_is_quoted(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    cache: Path,
    tmp_path: Path,
) -> None:
    broken = compiler(tmp_path, end="echo no such lane >&2; exit 1")
    monkeypatch.setenv("CXX", broken)
    assert library.load_library() is None
    (message,) = warnings_of(caplog)
    assert "compiler" in message
    assert "no such lane" in message
    assert list(cache.iterdir()) == []


def test_a_compiler_that_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    cache: Path,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("CXX", compiler(tmp_path, end="exec sleep 60"))
    monkeypatch.setattr(library, "_SECONDS", 1.0)
    began = time.monotonic()
    assert library.load_library() is None
    assert time.monotonic() - began < 30
    assert "timed out" in warnings_of(caplog)[0]
    assert list(cache.iterdir()) == []


def test_what_is_built_is_the_users_alone_and_serves_the_next_process(
    monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("CXX", compiler(tmp_path))
    first = library._find_or_build()
    assert library._find_or_build() == first
    assert (tmp_path / "log").read_text() == "built\n"
    assert [path.name for path in cache.iterdir()] == [first.name]
    assert (cache.stat().st_mode & 0o777, first.stat().st_mode & 0o777) == (0o700,) * 2


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_others_can_write_to_is_not_loaded(
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    cache: Path,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("CXX", compiler(tmp_path))
    path = library._find_or_build()
    if kind == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    else:
        (cache if kind == "folder" else path).chmod(0o777)
    assert library.load_library() is None
    assert "writable by nobody else" in warnings_of(caplog)[0]


def begin(folder: Path) -> "subprocess.Popen[bytes]":
    """Begin a process that builds with the stand-in."""
    code = "from tt_model.cache import library; library._find_or_build()"
    environment = {**os.environ, "CXX": str(folder / "compiler")}
    return subprocess.Popen([sys.executable, "-c", code], env=environment)


def test_two_processes_build_at_once_and_one_library_is_left(
    cache: Path, tmp_path: Path
) -> None:
    compiler(tmp_path, seconds=2.0)
    running = [begin(tmp_path) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    (left,) = cache.iterdir()
    assert left.read_text() == "half"


def test_a_killed_build_leaves_no_library_and_is_cleared_away(
    monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path
) -> None:
    compiler(tmp_path, seconds=20.0)
    process = begin(tmp_path)
    while not list(cache.glob(".building-*/step-*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (left,) = cache.iterdir()
    assert left.is_dir()
    os.utime(left, (0.0, 0.0))
    monkeypatch.setenv("CXX", compiler(tmp_path))
    built = library._find_or_build()
    assert list(cache.iterdir()) == [built]
