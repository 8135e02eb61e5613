"""What comes back as an agent's memory, looked at before anybody acts on it."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tt_bench.interface import Memory


def remembered(
    memory: Memory,
    name: str,
    kind: str,
    axes: int,
    low: float = -math.inf,
    high: float = math.inf,
) -> npt.NDArray[Any]:
    """Copy an array of a memory.

    Args:
        memory: as an agent gave it, or as somebody changed it since.
        name: of the array.
        kind: of its numbers, as NumPy has it: "i", "u" or "f".
        axes: that it has.
        low: the least that a number may be.
        high: the most.

    Raises:
        ValueError: there is none, or it is of another kind.
    """
    array = memory.get(name)
    if array is None or array.dtype.kind != kind or array.ndim != axes:
        what = "none" if array is None else f"{array.dtype} {list(array.shape)}"
        raise ValueError(
            f"expected a memory with {axes} axes of {name}, of NumPy's kind {kind!r}, "
            f"got {what}: remember what this agent knew"
        )
    if not (np.isfinite(array) & (low <= array) & (array <= high)).all():
        raise ValueError(
            f"expected a memory whose {name} is from {low} to {high}, got other "
            "numbers: remember what this agent knew"
        )
    return array.copy()


def set_generator(generator: torch.Generator, memory: Memory, device: str) -> None:
    """Let a generator go on from the state that a memory has of it.

    Raises:
        ValueError: it has none, or that of a generator on another device.
    """
    state = remembered(memory, "generator", "u", 1)
    try:
        generator.set_state(torch.from_numpy(state))
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"expected a memory with the state of a generator on {device}, got "
            f"another ({error})"
        ) from error
