"""On what a run was made."""

import os
import platform
from pathlib import Path

import torch

_PROCESSORS = Path("/proc/cpuinfo")  # of Linux


def describe_machine(device: str) -> dict[str, str | int]:
    """Name the device, the processor, its cores and the threads that torch takes."""
    described: dict[str, str | int] = {
        "device": device,
        "threads": torch.get_num_threads(),
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "system": platform.platform(),
    }
    if device.startswith("cuda"):
        described["accelerator"] = torch.cuda.get_device_name(device)
    return described


def _processor() -> str:
    try:
        lines = _PROCESSORS.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return next(iter(names), platform.processor() or platform.machine())
