"""Choose how many processor threads torch should use.

Several threads are faster on a quiet machine and many times slower where another
program keeps a core: each small operation then waits for a thread that does not run.
"""

import time

import torch
from torch.nn import functional as F

_ROWS, _WIDTH = 320, 64
_OPERATIONS = 60
_TRIALS = 3
_GAIN = 1.1  # what more threads must bring


def choose_threads() -> int:
    """Time a chain of small operations with one thread and with all; set the faster.

    Returns:
        The number of threads that torch uses from now on. All are as many as the
        environment (OMP_NUM_THREADS) or the processor gave torch at first.
    """
    alone, together = _time(1), _time(_MOST)
    chosen = _MOST if together * _GAIN < alone else 1
    torch.set_num_threads(chosen)
    return chosen


def _time(threads: int) -> float:
    """Return the seconds of the slowest of a few trials."""
    torch.set_num_threads(threads)
    x = torch.ones(_ROWS, _WIDTH)
    weight = torch.full((4 * _WIDTH, _WIDTH), 1e-3)
    slowest = 0.0
    with torch.no_grad():
        F.gelu(F.linear(x, weight))  # the first call starts the threads
        for _ in range(_TRIALS):
            began = time.perf_counter()
            for _ in range(_OPERATIONS):
                F.gelu(F.linear(x, weight))
            slowest = max(slowest, time.perf_counter() - began)
    return slowest


_MOST = torch.get_num_threads()
