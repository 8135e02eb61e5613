"""A dataset is the same, however many processes collect it, and however they end."""

import os
import signal
import subprocess
import threading
from typing import Any

import attrs
import numpy as np
import pytest

from tt_bench.data.collection_processes import collect_source, collecting_processes
from tt_bench.data.episodes import Episodes
from tt_bench.data.sources import SOURCES

PENDULUM = attrs.evolve(
    SOURCES["tt/pendulum/mixed-v0"], transitions=1_900, episode_steps=40
)


def same(one: Episodes, other: Episodes) -> None:
    for a, b in zip(
        attrs.astuple(one, recurse=False),
        attrs.astuple(other, recurse=False),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_any_number_of_processes_collects_the_same() -> None:
    told: list[tuple[int, int]] = []
    alone = collect_source(PENDULUM, processes=1)
    shared = collect_source(
        PENDULUM, processes=2, progress=lambda *done: told.append(done)
    )
    assert len(alone) == 2_400  # whole rounds of 20 episodes of 40 steps
    same(alone, shared)
    assert told == sorted(told)
    assert told[-1] == (1_900, 1_900)
    assert len(told) > 80  # on the way, too


def test_mazes_are_collected_the_same_with_what_wraps_them() -> None:
    source = attrs.evolve(
        SOURCES["tt/pointmaze/umaze-sparse-v0"], transitions=1_500, episode_steps=50
    )
    same(collect_source(source, processes=1), collect_source(source, processes=2))


def test_there_are_no_more_processes_than_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert collecting_processes(PENDULUM) == 3
    large = attrs.evolve(PENDULUM, transitions=1_000_000)
    assert collecting_processes(large) == 64
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert collecting_processes(large) == 1


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the processes that are started."""
    processes: list[Any] = []
    start = subprocess.Popen

    def remember(*arguments: Any, **options: Any) -> Any:
        processes.append(start(*arguments, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)
    return processes


def test_processes_end_with_an_interrupted_collection(started: list[Any]) -> None:
    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        collect_source(PENDULUM, processes=2, progress=interrupt)
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)
    assert threading.active_count() == threads


def test_a_process_that_is_killed_is_missed(started: list[Any]) -> None:
    def kill(*_: int) -> None:
        os.kill(started[0].pid, signal.SIGKILL)

    with pytest.raises(ChildProcessError, match="says nothing more"):
        collect_source(PENDULUM, processes=2, progress=kill)


def test_what_stops_a_process_is_told() -> None:
    source = attrs.evolve(PENDULUM, env_id="NoSuchPendulum-v1")
    with pytest.raises(ChildProcessError, match=r"NameNotFound: .*NoSuchPendulum"):
        collect_source(source, processes=2)
