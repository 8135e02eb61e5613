"""Kills: whatever ends a run, the next one ends it well and leaves nothing stray."""

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy as np
from safetensors.numpy import load_file

from torture import commands
from torture.commands import TINY
from torture.files import same
from torture.values import Draws, pick
from torture.verdict import Kind, Verdict
from torture.worker import Patience
from tt_bench import load_result, read_minari
from tt_bench.cli import collect, datasets, messages
from tt_bench.cli.ending import as_process
from tt_bench.cli.main import run
from tt_bench.data import sources
from tt_bench.evaluation import resume

_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_STOPPED = (0, 130, 128 + signal.SIGTERM, -signal.SIGKILL, -signal.SIGTERM)
_SOURCE = "tt/pendulum/mixed-v0"
_PATIENCE = 60.0  # seconds for a run that nobody kills
_TOLD = ("seconds", "checksum")  # which differ from run to run


class Job(NamedTuple):
    """Say what a run does, and how many processes do it at once in one folder."""

    name: str
    arguments: tuple[str, ...]
    processes: int = 1


class Process(NamedTuple):
    """Hold the id of a process, and the file of what it says to be wrong."""

    id: int
    said: Path


class Left(NamedTuple):
    """Hold what a run leaves behind: the names of files, and what is in them."""

    names: tuple[str, ...]
    content: Any
    seconds: float


def _d4rl(*arguments: str) -> tuple[str, ...]:
    return ("d4rl", *TINY, *arguments)


_TRAIN = _d4rl("--methods", "tt", "--steps", "60")
_CRITIC = _d4rl("--methods", "iql", "--critic.steps", "400")
JOBS = (
    Job("train", _TRAIN),
    Job("critic", _CRITIC),
    Job("evaluate", _d4rl("--methods", "tt", "--max-steps", "40")),
    Job("actor", _d4rl("--methods", "td3+bc", "--td3-bc.steps", "100")),
    Job("collect", ("collect", _SOURCE)),
    Job("two train", _TRAIN, 2),
    Job("two critics", _CRITIC, 2),
    Job("two collect", ("collect", _SOURCE), 2),
)


def prepare() -> None:
    """Make collections short, and save what is played often."""
    commands.prepare()
    small = attrs.evolve(sources.SOURCES[_SOURCE], transitions=4_000)
    for module in (sources, messages, collect, datasets):
        setattr(module, "SOURCES", {_SOURCE: small})  # noqa: B010
    resume._SAVE_EVERY = 0.02


@cache
def undisturbed(arguments: tuple[str, ...]) -> Left:
    """Do a job that nobody kills."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        status, said = _wait(_begin(arguments, Path(folder)))
        if status:
            raise RuntimeError(f"{arguments} ended with {status}: {said}")
        return _look(Path(folder), time.monotonic() - began)


def _begin(arguments: Sequence[str], folder: Path) -> Process:
    """Fork a process that gives a command in a folder, as a shell would start it."""
    said = folder / f"{time.monotonic_ns()}.said"
    error = os.open(said, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(error)
        return Process(child, said)
    status = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(error, 2)
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115
        os.chdir(folder)
        if "collect" in arguments:
            os.environ["MINARI_DATASETS_PATH"] = str(folder / ".tt")
        status = as_process(partial(_run, list(arguments)))
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _run(arguments: Sequence[str]) -> int:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    return run(arguments)


def _wait(process: Process) -> tuple[int | None, str]:
    """Wait for the end of a process: its status, None if it hangs, and what it said."""
    patience = Patience(process.id, _PATIENCE)
    status: int | None = None
    while status is None and patience.left() > 0:
        ended, code = os.waitpid(process.id, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if ended else None
        time.sleep(0.002)
    if status is None:
        os.kill(process.id, signal.SIGKILL)
        os.waitpid(process.id, 0)
    said = process.said.read_text(errors="replace")
    process.said.unlink()
    return status, said


def _look(folder: Path, seconds: float) -> Left:
    """Read everything that there is in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    content = {str(path.relative_to(folder)): _content(path) for path in files}
    if (folder / ".tt" / _SOURCE).exists():
        before, os.environ["MINARI_DATASETS_PATH"] = (
            os.environ["MINARI_DATASETS_PATH"],
            str(folder / ".tt"),
        )
        content["dataset"] = attrs.astuple(read_minari(_SOURCE).episodes)
        os.environ["MINARI_DATASETS_PATH"] = before
    return Left(tuple(content), content, seconds)


def _content(path: Path) -> Any:
    """Read what must be the same after any run."""
    if path.suffix == ".safetensors":
        return load_file(path)
    if path.suffix == ".npz":
        with np.load(path) as saved:
            return {name: saved[name] for name in saved.files if name not in _TOLD}
    if path.parent.name == "results":
        result = load_result(path)
        return [result.returns, result.lengths, result.scores, result.settings]
    return None


def run_kills(draws: np.random.Generator) -> Verdict:
    """Draw a job, kill it up to three times, and let it end."""
    job = pick(draws, JOBS)
    done: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(int(draws.integers(1, 4))):
            fault = _kill(job, folder, draws, done)
            if fault is not None:
                return Verdict("fault", fault, f"{job.name}: {', '.join(done)}")
        what = f"{job.name}: {', '.join(done)}, then to the end"
        status, said = _wait(_begin(job.arguments, folder))
        if status != 0:
            return Verdict("lost", f"ends with {status}: {said[-400:]}", what)
        return judge(job, _look(folder, 0.0), what, len(done))


def _kill(job: Job, folder: Path, draws: Draws, done: list[str]) -> str | None:
    """Begin a job, kill one or all of its processes, and say what is wrong then."""
    lasts = undisturbed(job.arguments).seconds * job.processes
    children = [_begin(job.arguments, folder) for _ in range(job.processes)]
    after = float(draws.uniform(0, 1.1 * lasts))
    time.sleep(after)
    killed = children[: int(draws.integers(1, len(children) + 1))]
    number = pick(draws, _SIGNALS)
    again = bool(draws.random() < 0.2)
    done.append(f"{len(killed)} x {number.name}{' twice' * again} at {after:.3f} s")
    for child in killed:
        os.kill(child.id, number)
    if again:
        time.sleep(float(draws.uniform(0, 0.05)))
        for child in killed:
            os.kill(child.id, number)
    ends = [_wait(child) for child in children]
    allowed = [_STOPPED if child in killed else (0,) for child in children]
    for (status, said), fine in zip(ends, allowed, strict=True):
        if status not in fine or "Traceback" in said:
            return f"{job.name}: a process ended with {status}: {said[-1000:]}"
    return None


def judge(job: Job, left: Left, what: str, kills: int) -> Verdict:
    """Hold what is left after kills against what an undisturbed run leaves."""
    wanted = undisturbed(job.arguments)
    stray = sorted(set(left.names) - set(wanted.names))
    lost = sorted(set(wanted.names) - set(left.names))
    other = [
        name
        for name in wanted.names
        if name in left.content and not same(wanted.content[name], left.content[name])
    ]
    faults = {"stray files": stray, "lost files": lost, "other content": other}
    fault = "; ".join(f"{kind} {names}" for kind, names in faults.items() if names)
    outcome = f"after {kills}"
    return Verdict(outcome, f"{job.name}: {fault}" if fault else None, what)


KILLS = Kind(
    "kills", run_kills, prepare, seconds=99 * _PATIENCE, memory=3 << 30, batch=2
)
