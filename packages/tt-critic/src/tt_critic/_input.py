"""What callers may pass, checked once at the public boundary."""

import operator
from collections.abc import Iterable
from typing import Any

import torch

_SEEDS = -(2**63), 2**64 - 1  # what torch takes


def whole(value: Any, name: str, low: int, high: int | None = None) -> int:
    """Return a value as an int, or say which whole numbers were expected."""
    limits = f"of at least {low}" if high is None else f"from {low} to {high}"
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or number < low or (high is not None and number > high):
        raise ValueError(f"{name} must be a whole number {limits}, got {value!r}.")
    return number


def widths(hidden: Iterable[int], fewest: int = 0) -> tuple[int, ...]:
    """Return the widths of hidden layers as a tuple, in whatever they came."""
    try:
        found = tuple(whole(width, "hidden", 1) for width in hidden)
    except (TypeError, ValueError):
        found = None
    if found is None or len(found) < fewest:
        raise ValueError(
            f"hidden must hold {fewest} or more positive whole numbers, got "
            f"{hidden!r}; the published networks use (256, 256)."
        )
    return found


def seeded(seed: int) -> torch.Generator:
    """Return a generator on the CPU that starts from a seed."""
    return torch.Generator().manual_seed(whole(seed, "seed", *_SEEDS))
