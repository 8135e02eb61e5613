"""Arrays and tensors for parameters: right ones, and some spoilt in some way."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from torture.values import Draws, Parameter, foreign, pick

ARRAYS = (np.ndarray, np.generic, torch.Tensor, list, tuple, int, float)
"""Types that NumPy makes an array of."""


def array(*shape: int, scale: float = 1.0) -> Parameter:
    """Draw a float32 array of numbers around 0."""

    def right(draws: Draws) -> Any:
        return (scale * draws.normal(size=shape)).astype(np.float32)

    return Parameter(right, lambda draws: spoil(draws, right(draws)), ARRAYS)


def tensor(*shape: int, scale: float = 1.0) -> Parameter:
    """Draw a float32 tensor of numbers around 0."""
    return as_tensor(array(*shape, scale=scale))


def as_tensor(parameter: Parameter) -> Parameter:
    """Draw what another draws, as a tensor where that can be one."""
    return Parameter(
        lambda draws: torch.from_numpy(parameter.right(draws)),
        lambda draws: _to_tensor(draws, parameter.nasty(draws)),
        (torch.Tensor,),
    )


def integers(*shape: int, low: int, high: int, dtype: Any = np.int64) -> Parameter:
    """Draw whole numbers from low to high, the latter included."""

    def right(draws: Draws) -> Any:
        return draws.integers(low, high + 1, shape).astype(dtype)

    return Parameter(right, lambda draws: spoil(draws, right(draws)), ARRAYS)


def near(values: Any) -> Parameter:
    """Draw these values; nasty ones are spoilt."""
    return Parameter(lambda _: values, lambda draws: spoil(draws, values), ARRAYS)


def flags(*shape: int) -> Parameter:
    """Draw booleans."""
    return integers(*shape, low=0, high=1, dtype=np.bool_)


def _to_tensor(draws: Draws, value: Any) -> Any:
    if isinstance(value, np.ndarray) and draws.random() < 0.9:
        try:
            return torch.from_numpy(value)
        except (TypeError, ValueError):  # no such type, or negative strides
            return value
    return value


def spoil(draws: Draws, values: Any) -> Any:
    """Change an array in one of the ways in which arrays are wrong, or odd."""
    return pick(draws, _SPOILERS)(draws, values)


def _put(value: Any) -> Callable[[Draws, Any], Any]:
    def put(draws: Draws, values: Any) -> Any:
        kept = values if values.dtype.kind in "fiu" else values.astype(np.int64)
        kept = kept.astype(np.float64) if isinstance(value, float) else kept
        spoilt = kept.copy()
        if spoilt.size and (isinstance(value, float) or _fits(value, spoilt.dtype)):
            spoilt.flat[int(draws.integers(spoilt.size))] = value
        return spoilt.astype(values.dtype) if draws.random() < 0.5 else spoilt

    return put


def _fits(value: int, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return bool(limits.min <= value <= limits.max)


_TYPES = ("f2", "f4", "f8", "i1", "i4", "i8", "u1", "u8", "?", "c8", "U4", "O", ">f4")

_SPOILERS: tuple[Callable[[Draws, Any], Any], ...] = (
    *map(_put, (math.nan, math.inf, -math.inf, 1e39, -1e38, 3e38, -1, 10**6, -(2**63))),
    lambda draws, values: values[:0],
    lambda draws, values: values[..., :0],
    lambda draws, values: values[:1],
    lambda draws, values: values[..., :1],
    lambda draws, values: values[..., 0],
    lambda draws, values: values[None],
    lambda draws, values: values[..., None],
    lambda draws, values: values[::-1],
    lambda draws, values: np.repeat(values, 2, -1)[..., ::2],
    lambda draws, values: np.asfortranarray(values),
    lambda draws, values: np.concatenate([values, values]),
    lambda draws, values: values.T,
    lambda draws, values: values.tolist(),
    lambda draws, values: torch.from_numpy(values.copy()),
    lambda draws, values: values.astype(pick(draws, _TYPES)),
    lambda draws, values: values.astype(pick(draws, _TYPES)),
    lambda draws, values: np.zeros_like(values),
    lambda draws, values: np.zeros((), values.dtype),
    lambda draws, values: foreign(draws),
)
