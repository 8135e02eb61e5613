"""What this machine can do at best: arithmetic, memory traffic; and what was used."""

import ctypes
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

_SQUARE = 2048
_COPIED = 2**26  # float32 numbers, far beyond any cache


class Peaks(NamedTuple):
    """The most that a device was seen to do.

    Attributes:
        operations: Floating-point operations a second, of a large float32 matmul.
        traffic: Bytes read and written a second, of a large copy.
    """

    operations: float
    traffic: float

    def floor(self, operations: float, traffic: float = 0.0) -> float:
        """Return the seconds that so much work takes at least."""
        return max(operations / self.operations, traffic / self.traffic)


def wait(device: str) -> None:
    """Wait until an accelerator has done what it was told."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def clock(
    work: Callable[[], object], device: str, *, repeats: int = 5, warm: int = 1
) -> float:
    """Return the median of the seconds that some work takes, after `warm` trials."""
    for _ in range(warm):
        work()
    taken = []
    for _ in range(repeats):
        wait(device)
        began = time.perf_counter()
        work()
        wait(device)
        taken.append(time.perf_counter() - began)
    return median(taken)


def matmul_peak(device: str, size: int = _SQUARE) -> float:
    """Measure floating-point operations a second of a square float32 matmul."""
    left, right = torch.randn(2, size, size, device=device)
    product = torch.empty_like(left)
    seconds = clock(lambda: torch.mm(left, right, out=product), device)
    return 2.0 * size**3 / seconds


def measure_peaks(device: str) -> Peaks:
    """Measure the matmul peak and the copy bandwidth of a device."""
    numbers = torch.randn(_COPIED, device=device)
    copied = torch.empty_like(numbers)
    copying = clock(lambda: copied.copy_(numbers), device)
    return Peaks(matmul_peak(device), 8.0 * _COPIED / copying)


def peak_memory(work: Callable[[], object], device: str) -> float | None:
    """Return by how many bytes some work raised the memory in use at its highest.

    None where the system does not tell: on the CPU only Linux does.
    """
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
        held = torch.cuda.memory_allocated(device)
        work()
        return float(torch.cuda.max_memory_allocated(device) - held)
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free must not serve the work
        reset.write_text("5")  # the highest resident size starts again from now
        before = _resident(status, "VmRSS")
        work()
        return _resident(status, "VmHWM") - before
    except OSError:
        work()
        return None


def _resident(status: Path, field: str) -> float:
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return 1024.0 * float(lines[field].split()[0])
