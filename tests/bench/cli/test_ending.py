"""However a command ends, it says why in a line, and shows no traceback."""

import importlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tt_bench.cli import speed
from tt_bench.cli.ending import as_process
from tt_bench.cli.main import main

cli_main = importlib.import_module("tt_bench.cli.main")  # the function hides it


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def ended(
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> tuple[int, str]:
    monkeypatch.setattr(cli_main, "run_d4rl", failing(error))
    status = main(["d4rl"])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return status, lines[0]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("expected a,\n  got b"), "error: expected a, got b"),
        (OSError(28, "No space left", "x.json"), "error: [Errno 28] No space left: 'x"),
        (ModuleNotFoundError("expected d4rl"), "error: expected d4rl"),
        (ValueError(), "error: ValueError"),
        (MemoryError("Unable to allocate 9 GiB"), "error: not enough memory: MemoryE"),
        (torch.OutOfMemoryError("CUDA"), "error: not enough memory: OutOfMemoryError"),
    ],
)
def test_what_cannot_be_used_is_a_line_and_status_2(
    error: Exception,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, said = ended(error, monkeypatch, capsys)
    assert status == 2
    assert said.startswith(line)


@pytest.mark.parametrize(
    "error", [KeyError("steps"), RuntimeError("a\nb"), AssertionError()]
)
def test_a_bug_is_called_one_and_its_traceback_is_kept(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, said = ended(error, monkeypatch, capsys)
    assert status == 70
    found = re.search(r"error: (\w+).*; this is a bug: please send (\S+)$", said)
    assert found is not None
    assert found[1] == type(error).__name__
    kept = Path(found[2])
    assert "Traceback" in kept.read_text()
    kept.unlink()


def test_a_bug_on_a_full_disk_shows_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.mkstemp", failing(OSError("No space left")))
    monkeypatch.setattr(cli_main, "run_d4rl", failing(KeyError("steps")))
    assert main(["d4rl"]) == 70
    assert "Traceback" in capsys.readouterr().err


def start(*arguments: str, flags: Sequence[str] = (), **env: str) -> Any:
    command = [sys.executable, *flags, "-m", "tt_bench", *arguments]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | env,
    )


@pytest.mark.parametrize("module", ["torch.nn", "minari"])
def test_ctrl_c_while_importing_is_a_line(module: str) -> None:
    process = start("d4rl", "--help", flags=["-v"])  # which tells of each import
    next(line for line in process.stderr if line.startswith(f"import '{module}'"))
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130
    assert said.splitlines()[-1] == "stopped before anything was begun"
    assert "Traceback" not in said


def test_ctrl_c_of_who_imports_the_package_is_left_alone() -> None:
    code = "import signal; before = signal.getsignal(2); import tt_bench; "
    code += "assert signal.getsignal(2) is before is signal.default_int_handler"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave signals and hooks of this process as they were."""
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("process")
def test_a_second_ctrl_c_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert as_process(failing(KeyboardInterrupt())) == 130
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)
    assert capsys.readouterr().out == "stopped; the same command continues from here\n"


@pytest.mark.usefixtures("process")
def test_a_ctrl_c_that_a_freed_object_eats_comes_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Freed:
        def __del__(self) -> None:
            raise KeyboardInterrupt

    def run() -> int:
        Freed()
        time.sleep(10)
        return 0

    assert as_process(run) == 130
    assert capsys.readouterr().err == ""


def test_a_terminal_of_ascii_shows_numbers_of_what_it_lacks(tmp_path: Path) -> None:
    name = str(tmp_path / "\N{SNOWMAN}.hdf5")
    process = start("d4rl", "--dataset", name, PYTHONIOENCODING="ascii", LC_ALL="C")
    printed, said = process.communicate()
    assert process.returncode == 2
    assert "\\u2603.hdf5" in printed
    assert said.startswith("error: expected an HDF5 file, found none at")


@pytest.mark.usefixtures("process")
def test_streams_are_told_to_show_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", ascii_only)
    assert as_process(lambda: ascii_only.write("\N{SNOWMAN} \udce9") and 0) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["speed", "--device", "cuda:77"], "expected a device that torch can use"),
        (["speed", "--device", "meta"], "expected a device that torch can use"),
        (["d4rl", "--small=--"], "argument --small/--no-small"),
        (["d4rl", "--threads", "4294967296"], "'threads' must be <= 1024"),
        (["d4rl", "--first-seed", str(2**64)], "'first_seed' must be <"),
        (["d4rl", "--output", "~nobody-of-that-name/x"], "expected a folder, got ~no"),
        (["speed", "--output", "~nobody-of-that-name/x"], "expected a folder"),
    ],
)
def test_odd_options_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = ["--methods", "random", "--dataset", "tt/pendulum/mixed-v0"]
    given = [*arguments, *(methods if arguments[0] == "d4rl" else ())]
    try:
        status = main(given)
    except SystemExit as refused:  # by the parser, in a box
        status = int(refused.code or 0)
    assert status == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_home_is_written_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert speed.Speed(output=Path("~/here.json")).output == tmp_path / "here.json"
