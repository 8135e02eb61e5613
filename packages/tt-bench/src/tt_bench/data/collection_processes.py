"""Collect a dataset with one process a core, the same whatever their number."""

import contextlib
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count, takewhile
from queue import SimpleQueue
from threading import Thread
from typing import IO, NamedTuple, cast

from tt_bench.data.collection import (
    PARALLEL,
    Episode,
    Progress,
    collect,
    count_steps,
    join,
)
from tt_bench.data.collection_worker import Answer, Failed, Going
from tt_bench.data.episodes import Episodes
from tt_bench.data.source import Source, make_collector

_WORKER = """
import os
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # whatever prints does not answer
from tt_bench.data.collection_worker import work
work(answers)
"""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class _Said(NamedTuple):
    """What a process said."""

    to: IO[bytes]
    answer: Answer


def collecting_processes(source: Source) -> int:
    """Return how many processes collect a source: one a core, if that is worth it."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    rounds = math.ceil(source.transitions / (PARALLEL * source.episode_steps))
    return min(cores, rounds)


def collect_source(
    source: Source,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Episodes:
    """Collect what a source says.

    Rounds of episodes depend on the seed and on their number alone, and are counted in
    their order, so that any number of processes collects the same.

    Args:
        source: what to collect.
        processes: to collect with; one is this process. None for one a core.
        progress: told the number of transitions so far and the number asked for.

    Raises:
        ChildProcessError: if a process ends before it is told to.
    """
    processes = processes or collecting_processes(source)
    if processes == 1:
        return collect(
            source.behaviour(),
            partial(make_collector, source),
            transitions=source.transitions,
            seed=source.seed,
            progress=progress,
        )
    said: SimpleQueue[_Said] = SimpleQueue()
    with ExitStack() as stack:
        numbers = count()
        for _ in range(processes):
            orders = stack.enter_context(_worker(source, said))
            _order(orders, next(numbers))
        return _gather(said, numbers, source.transitions, progress)


def _gather(
    said: "SimpleQueue[_Said]",
    numbers: Iterator[int],
    transitions: int,
    progress: Progress | None,
) -> Episodes:
    """Take rounds as they are played, until the first ones are enough."""
    rounds: dict[int, list[Episode]] = {}
    steps: dict[int, int] = {}
    while True:
        to, answer = said.get()
        if isinstance(answer, Failed):
            raise ChildProcessError(f"a process that collects ended: {answer.reason}")
        if isinstance(answer, Going):
            steps[answer.number] = answer.steps
            if progress is not None:
                progress(min(sum(steps.values()), transitions), transitions)
            continue
        rounds[answer.number] = answer.episodes
        enough = _first(rounds, transitions)
        if enough:
            return join(enough)
        _order(to, next(numbers))


def _first(rounds: Mapping[int, list[Episode]], transitions: int) -> list[Episode]:
    """Return the episodes of the first rounds that are enough; none if they are not."""
    episodes: list[Episode] = []
    for number in takewhile(rounds.__contains__, count()):
        episodes += rounds[number]
        if count_steps(episodes) >= transitions:
            return episodes
    return []


@contextmanager
def _worker(source: Source, said: "SimpleQueue[_Said]") -> Iterator[IO[bytes]]:
    """Start a process that plays the rounds that it is given, and end it."""
    threads = dict.fromkeys(_ONE_THREAD, "1")
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | threads | {"PYTHONPATH": path},
        start_new_session=True,  # Ctrl-C ends it from here, without its own words
    )
    orders, answers = cast(
        "tuple[IO[bytes], IO[bytes]]", (process.stdin, process.stdout)
    )
    listener = Thread(target=_listen, args=(answers, orders, said))
    listener.start()
    try:
        _order(orders, source)
        yield orders
    finally:
        process.kill()
        process.wait()
        listener.join()
        answers.close()
        with contextlib.suppress(BrokenPipeError):
            orders.close()


def _order(to: IO[bytes], what: object) -> None:
    """Tell a process something; one that has ended has said why."""
    with contextlib.suppress(BrokenPipeError):
        pickle.dump(what, to)
        to.flush()


def _listen(answers: IO[bytes], orders: IO[bytes], said: "SimpleQueue[_Said]") -> None:
    """Pass on what a process answers, until it has ended."""
    try:
        while True:
            said.put(_Said(orders, pickle.load(answers)))
    except (EOFError, OSError, pickle.UnpicklingError):
        said.put(_Said(orders, Failed("it says nothing more")))
