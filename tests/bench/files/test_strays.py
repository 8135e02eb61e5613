"""What killed processes leave goes, and what a living one writes never does."""

import contextlib
import errno
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tt_bench.files import drop_rest, remove_strays, scratch_folder, write_once
from tt_bench.files import lock as lock_module
from tt_bench.files.strays import strays, writer

_WRITING = """
import sys, time
from pathlib import Path
from tt_bench.files import written_whole
with written_whole(Path(sys.argv[1]) / "run.json") as partial:
    partial.write_text("half")
    print(partial.name, flush=True)
    time.sleep(60)
"""
_ONCE = """
import os, sys, time
from pathlib import Path
from tt_bench.files import json_file, write_once
def wait(mine, path):
    print(mine.name, flush=True)
    time.sleep(60)
json_file._link_or_move = wait
write_once(Path(sys.argv[1]) / "run.json", {"a": 1})
"""
_SCRATCH = """
import sys, time
from pathlib import Path
from tt_bench.files import scratch_folder
with scratch_folder(Path(sys.argv[1]), "writing") as folder:
    (folder / "data").write_text("half")
    print(folder.name, flush=True)
    time.sleep(60)
"""


@contextlib.contextmanager
def process(code: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Begin a process that writes in a folder, and give what it writes."""
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writing:
        assert writing.stdout is not None
        try:
            yield writing, folder / writing.stdout.readline().strip()
        finally:
            writing.kill()


@pytest.mark.parametrize("code", [_WRITING, _ONCE])
def test_a_file_goes_once_its_writer_is_killed(code: str, tmp_path: Path) -> None:
    with process(code, tmp_path) as (writing, file):
        remove_strays(tmp_path)
        assert file.is_file()
        writing.send_signal(signal.SIGKILL)
        writing.wait()
        assert strays(tmp_path) == [file]
        remove_strays(tmp_path)
        assert not list(tmp_path.iterdir())


def test_a_folder_goes_once_its_writer_is_killed(tmp_path: Path) -> None:
    with process(_SCRATCH, tmp_path) as (writing, folder):
        with scratch_folder(tmp_path, "writing") as other:
            assert other.is_dir()
        assert (folder / "data").read_text() == "half"
        writing.send_signal(signal.SIGKILL)
        writing.wait()
        assert (folder / "data").exists()
        with scratch_folder(tmp_path, "reading"):
            assert folder.exists()
        with scratch_folder(tmp_path, "writing"):
            assert not folder.exists()
    assert not list(tmp_path.iterdir())


def test_folders_of_earlier_versions_go_and_those_of_others_stay(
    tmp_path: Path,
) -> None:
    old = [".writing-0123456789abcdef", ".writing-a_b8c9d0"]
    others = [".writing-my-notes", ".writing-", "writing-0123456789abcdef"]
    for name in (*old, *others):
        (tmp_path / name / "data").mkdir(parents=True)
    (tmp_path / f".writing-{'f' * 16}.lock").touch()
    with scratch_folder(tmp_path, "writing"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == set(others)


def test_without_locks_nobody_knows_and_nothing_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lockless(_: int) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(lock_module, "_lock", lockless)
    stray, folder = (
        tmp_path / f"run.{writer()}.partial.json",
        tmp_path / ".writing-01234567",
    )
    stray.touch()
    folder.mkdir()
    remove_strays(tmp_path)
    with scratch_folder(tmp_path, "writing") as own:
        assert own.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {stray.name, folder.name}
    assert not own.exists()


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch_folder(tmp_path, "writing"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_the_first_of_two_that_write_once_wins(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "budget.json"
    write_once(path, {"steps": 1})
    write_once(path, {"steps": 2})
    assert path.read_text() == '{\n "steps": 1\n}\n'
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("left", [".part", ".part.tag", ".lock"])
def test_the_rest_of_a_download_goes_when_the_file_is_there(
    left: str, tmp_path: Path
) -> None:
    path, rest = tmp_path / "data.hdf5", tmp_path / f"data.hdf5{left}"
    rest.touch()
    drop_rest(path)
    assert rest.exists()  # a download goes on from there
    path.touch()
    with lock_module.locked(tmp_path / "data.hdf5.lock"):
        rest.touch()
        drop_rest(path)
        assert rest.exists()
    rest.touch()
    drop_rest(path)
    assert list(tmp_path.iterdir()) == [path]
