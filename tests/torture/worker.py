"""Do cases in a process of their own, which may hang, crash or want too much memory.

The process is a fork, so that nothing is imported again; whatever a case leaves
behind (changed settings, a working folder, threads) ends with it.
"""

import contextlib
import json
import os
import resource
import select
import signal
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from torture.verdict import Case, Kind, Verdict

_PAGES = Path("/proc/self/statm")  # of Linux


def run_cases(kind: Kind, cases: Sequence[Case]) -> Iterator[tuple[Case, Verdict]]:
    """Do cases one after the other; one that ends its process costs only itself."""
    left = list(cases)
    while left:
        child, results = _begin(kind, left)
        with results:
            line: bytes | None = b""
            while left and (line := _read_line(results, child, kind.seconds)):
                yield left.pop(0), Verdict(*json.loads(line))
            lost = _end(child, hangs=bool(left) and line is None)
        if left:
            yield left.pop(0), lost


def _begin(kind: Kind, cases: Sequence[Case]) -> tuple[int, IO[bytes]]:
    """Fork a process that does cases and writes a line of each."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            os.close(reader)
            _work(kind, cases, writer)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writer)
    return child, os.fdopen(reader, "rb", buffering=0)


def _work(kind: Kind, cases: Sequence[Case], writer: int) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.simplefilter("ignore")
    limit_memory(kind.memory)
    for case in cases:
        verdict = _do(kind, case)
        os.write(writer, json.dumps(verdict).encode() + b"\n")


def _do(kind: Kind, case: Case) -> Verdict:
    try:
        return kind.run(case.draws(kind.name))
    except Exception:
        return Verdict("broken", f"the campaign itself: {traceback.format_exc()}", "")


def limit_memory(more: int) -> None:
    """Let this process take so many bytes more than it has, where that can be told."""
    if _PAGES.exists():
        taken = int(_PAGES.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + more, taken + more))


def _read_line(lines: IO[bytes], child: int, seconds: float) -> bytes | None:
    """Read a line: b"" where none can come any more, None where none came in time."""
    patience = Patience(child, seconds)
    while (left := patience.left()) > 0:
        ready, _, _ = select.select([lines], [], [], left)
        if ready:
            return lines.readline()
    return None


class Patience:
    """Count the seconds of a process, but those in which it waited for a core.

    On a busy machine, where others have all cores, nothing ends soon.
    """

    def __init__(self, process: int, seconds: float) -> None:
        """Begin to count down for a process."""
        self._process, self._seconds = process, seconds
        self._began, self._stood = time.monotonic(), _stood(process)

    def left(self) -> float:
        """Return the seconds that are left of its own."""
        stood = max(0.0, _stood(self._process) - self._stood)
        return self._seconds + stood - (time.monotonic() - self._began)


def _stood(process: int) -> float:
    """Return how long a process has waited for a core, where that is told."""
    try:
        told = Path(f"/proc/{process}/schedstat").read_text().split()
        return int(told[1]) / 1e9
    except (OSError, LookupError, ValueError):  # of Linux only
        return 0.0


def _end(child: int, *, hangs: bool) -> Verdict:
    """End a process with all that it began; say what was wrong if it was lost."""
    if hangs:
        os.killpg(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    with contextlib.suppress(ProcessLookupError):  # while its id is still its own
        os.killpg(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if hangs:
        return Verdict("hang", "did not end in time", "")
    return Verdict("crash", f"its process ended with status {code}", "")
