"""A file is made once, and what is left of others' attempts goes."""

import errno
import threading
import time
from pathlib import Path

import pytest

from tt_bench.files import (
    make_once,
    read_facts,
    remade_if_deleted,
    write_json,
    written_whole,
)
from tt_bench.files.lock import locked
from tt_bench.files.strays import strays, writer

STRAYS = [
    f"net.{writer()}.partial.npz",
    "net.77.partial.npz",  # of an earlier version
    f"training.{writer()}.once.json",
    f".model.safetensors.{writer()}.partial",
    ".tokenizer.npz.77.part",
    "model.safetensors.tmp",
]
OTHERS = ["net.npz", "a.partial.npz", "x.part", "notes.tmp", ".hidden", "in-use.lock"]


def test_only_what_is_written_here_is_a_stray(tmp_path: Path) -> None:
    for name in (*STRAYS, *OTHERS):
        (tmp_path / name).touch()
    assert {path.name for path in strays(tmp_path)} == set(STRAYS)
    assert strays(tmp_path / "nowhere") == []


@pytest.mark.parametrize("there", [True, False])
def test_strays_and_scaffold_go_whether_the_file_is_there(
    there: bool, tmp_path: Path
) -> None:
    path = tmp_path / "net.npz"
    for name in (*STRAYS, "checkpoint.npz", "mine.txt", "in-use.lock"):
        (tmp_path / name).touch()
    if there:
        path.write_text("made before")

    def make() -> None:
        assert (tmp_path / "checkpoint.npz").exists()
        path.write_text("made now")

    make_once(path, make, scaffold=["checkpoint.npz"])
    assert {p.name for p in tmp_path.iterdir()} == {"net.npz", "mine.txt"}
    assert path.read_text() == ("made before" if there else "made now")


def test_many_threads_make_a_file_once(tmp_path: Path) -> None:
    path, made = tmp_path / "deep" / "net.npz", list[int]()

    def make() -> None:
        made.append(1)
        time.sleep(0.05)
        path.write_text("whole")

    threads = [threading.Thread(target=make_once, args=(path, make)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
    assert [p.name for p in path.parent.iterdir()] == ["net.npz"]


def test_a_lock_excludes_though_its_file_is_deleted_each_time(tmp_path: Path) -> None:
    inside, most = list[int](), list[int]()

    def work() -> None:
        for _ in range(20):
            with locked(tmp_path / "lock"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert max(most) == 1
    assert not list(tmp_path.iterdir())


def test_what_failed_can_be_made_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"

    def fail() -> None:
        (tmp_path / "checkpoint.npz").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_once(path, fail, scaffold=["checkpoint.npz"])
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]
    make_once(path, path.touch, scaffold=["checkpoint.npz"])
    assert [p.name for p in tmp_path.iterdir()] == ["net.npz"]


def test_a_write_outlives_an_owner_who_takes_it_for_a_stray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, times = Path.write_text, list[int]()

    def write_and_lose(path: Path, *args: str) -> int:
        count = write(path, *args)
        times.append(1)
        if len(times) == 1:
            for stray in strays(tmp_path):
                stray.unlink()
        return count

    monkeypatch.setattr(Path, "write_text", write_and_lose)
    write_json(tmp_path / "settings.json", {"a": 1})
    assert read_facts(tmp_path / "settings.json", lambda facts: facts) == {"a": 1}


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    with pytest.raises(OSError, match=r"No space.*net\.npz") as raised:  # noqa: SIM117
        with written_whole(path):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert raised.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "holds no 'steps'"),
        ("[]", "holds no 'steps'"),
        ('{"steps": []}', "not as written"),
        ('{"steps": 1e999}', "holds 1e999 in the place of a finite number"),
        ('{"seconds": [NaN]}', "holds NaN in the place of a finite number"),
        ('{"a": {"b": -Infinity}}', "holds -Infinity in the place of a finite"),
        ('{"steps', "cut short or not JSON"),
        ("[" * 100_000, "cut short or not JSON"),
        ("\x00", "cut short or not JSON"),
    ],
)
def test_damaged_facts_are_one_error_that_names_the_file(
    text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "training.json").write_text(text)
    with pytest.raises(ValueError, match=rf"training\.json: {message}"):
        read_facts(tmp_path / "training.json", lambda facts: int(facts["steps"]))
    with (
        pytest.raises(ValueError, match=r"delete the folder .* to train again"),
        remade_if_deleted(tmp_path),
    ):
        read_facts(tmp_path / "training.json", lambda facts: int(facts["steps"]))
