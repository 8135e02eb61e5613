"""The campaign does what it says, and notices a fault of every kind."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torture import calls, commands, damage, kills, worker
from torture.files import FORMATS, Format
from torture.laws import LAWLESS, LAWS, Law
from torture.values import real
from torture.verdict import Case, Kind, Verdict
from torture.worker import Patience, run_cases

import tt_bench
import tt_critic
import tt_model
import tt_plan
import tt_tokenize


def test_a_short_campaign_counts_cases_and_tells_faults() -> None:
    command = [sys.executable, "-m", "torture", "--seed", "7", "--batches", "1"]
    ended = subprocess.run(
        command, cwd=Path(__file__).parent, text=True, capture_output=True, check=False
    )
    counts = re.findall(r"^(\w+): (\d+) cases .*, (\d+) faults$", ended.stdout, re.M)
    assert [(name, int(count)) for name, count, _ in counts] == [
        *(("calls", 250), ("commands", 10), ("damage", 100), ("kills", 2))
    ]
    faults = sum(int(fault) for _, _, fault in counts)
    assert ended.stdout.count("--case ") == faults, ended.stdout
    assert ended.returncode == min(1, faults), ended.stderr
    assert "broken" not in ended.stdout, ended.stdout


def verdicts(
    run: Callable[[np.random.Generator], Verdict], count: int
) -> list[Verdict]:
    kind = Kind("planted", run, lambda: None, seconds=1.0, memory=1 << 28, batch=count)
    return [
        verdict for _, verdict in run_cases(kind, [Case(0, n) for n in range(count)])
    ]


def hang(draws: np.random.Generator) -> Verdict:
    time.sleep(60)
    raise AssertionError


def crash(draws: np.random.Generator) -> Verdict:
    os._exit(3)


def devour(draws: np.random.Generator) -> Verdict:
    return Verdict("returned", None, str(np.zeros(1 << 29).sum()))


def test_waiting_for_a_core_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, stood = [100.0], [7.0]
    monkeypatch.setattr("torture.worker.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("torture.worker._stood", lambda _: stood[0])
    patience = Patience(1, seconds=20.0)
    assert patience.left() == 20.0
    clock[0], stood[0] = 400.0, 295.0  # it had 12 seconds of a core
    assert patience.left() == 8.0
    clock[0] = 410.0  # and then slept, or worked
    assert patience.left() == -2.0


def test_the_time_in_line_of_a_process_is_told() -> None:
    if not Path("/proc/self/schedstat").exists():
        pytest.skip("Linux tells it")
    assert 0.0 < worker._stood(os.getpid()) < time.monotonic()
    assert worker._stood(2**30) == 0.0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    ("run", "says"),
    [(hang, "did not end"), (crash, "status 3"), (devour, "allocate")],
)
def test_a_case_that_hangs_crashes_or_devours_memory_is_a_fault(
    run: Callable[[np.random.Generator], Verdict], says: str
) -> None:
    for verdict in verdicts(run, 2):
        assert verdict.fault is not None
        assert says in verdict.fault


def test_a_call_that_breaks_its_law_is_a_fault() -> None:
    def planted(x: Any) -> Any:
        if x is None:
            raise TypeError("expected a number")
        return {1.0: "KeyError", 2.0: float("nan"), 3.0: x}[x]

    law = Law("planted", planted, {"x": real(0, 1)})
    assert calls.judge(law, {"x": 3.0}).fault is None
    assert calls.judge(law, {"x": None}).fault is None  # the annotation forbids it
    assert "KeyError" in str(calls.judge(law, {"x": 4.0}).fault)
    assert "NaN" in str(calls.judge(law, {"x": 2.0}).fault)
    assert "NaN" not in str(calls.judge(law, {"x": float("nan")}).fault)

    def mute(x: Any) -> Any:
        raise ValueError

    assert "says ''" in str(
        calls.judge(Law("mute", mute, law.parameters), {"x": 1.0}).fault
    )


def end(status: int, said: str = "") -> Callable[[Any], int]:
    def ended(_: Any) -> int:
        sys.stderr.write(said)
        return status

    return ended


def miss(_: Any) -> Any:
    return dict[str, int]()["missing"]


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        (end(0), None),
        (end(1), "exit status 1"),
        (end(2, "error: no\n"), None),
        (end(2, "no\n"), "expected one line"),
        (end(2, "error: a\nb\n"), "expected one line"),
        (miss, "KeyError"),
    ],
)
def test_a_command_that_ends_badly_is_a_fault(
    planted: Callable[[Any], int], fault: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "main", planted)
    found = commands.judge(["d4rl"]).fault
    assert found is None if fault is None else fault in str(found)


@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (lambda _: [1, 2], None),
        (lambda _: [1, 3], "silently"),
        (miss, "KeyError"),
        (lambda path: int("x"), "does not name"),
        (lambda path: int(str(path)), None),
    ],
)
def test_a_reader_that_believes_damage_is_a_fault(
    read: Callable[[Path], Any], fault: str | None, tmp_path: Path
) -> None:
    format_ = Format("tokenizer", "file.npz", lambda _: None, read)
    found = damage.judge(format_, tmp_path / "file.npz", [1, 2], edited=False).fault
    assert found is None if fault is None else fault in str(found)


@pytest.mark.parametrize(
    ("names", "content", "fault"),
    [
        (("a", "b"), {"a": [1.0], "b": None}, None),
        (("a",), {"a": [1.0]}, "lost files ['b']"),
        (("a", "b", "c.tmp"), {"a": [1.0], "b": None}, "stray files ['c.tmp']"),
        (("a", "b"), {"a": [1.5], "b": None}, "other content ['a']"),
    ],
)
def test_what_a_kill_loses_or_leaves_is_a_fault(
    names: tuple[str, ...],
    content: Any,
    fault: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = kills.Left(("a", "b"), {"a": [1.0], "b": None}, 1.0)
    monkeypatch.setattr(kills, "undisturbed", lambda _: whole)
    left = kills.Left(names, content, 1.0)
    found = kills.judge(kills.JOBS[0], left, "killed", 1).fault
    assert found is None if fault is None else fault in str(found)


def test_every_public_name_has_a_law_or_a_reason_for_none() -> None:
    held = {".".join(law.name.split(".")[:2]) for law in LAWS}
    assert not held & set(LAWLESS)
    for package in (tt_tokenize, tt_model, tt_plan, tt_critic, tt_bench):
        public = {f"{package.__name__}.{name}" for name in package.__all__}
        assert public <= held | set(LAWLESS)


def test_every_file_format_gives_the_same_when_nothing_happened(tmp_path: Path) -> None:
    for number, format_ in enumerate(FORMATS):
        if "minari" in format_.write.__name__:
            continue
        path = tmp_path / str(number) / format_.file
        path.parent.mkdir(parents=True)
        format_.write(path)
        gives = format_.read(path)
        assert damage.judge(format_, path, gives, edited=False).outcome == "same"
