"""What a stream of samples leaves behind: a KLL sketch of every column.

Karnin, Lang, Liberty, "Optimal quantile approximation in streams" (arXiv 1603.05346),
as built by Apache DataSketches.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tt_tokenize._input import finite, refuse_no_rows, tables

_SIZES = range(8, 65536)  # what the library takes as k
_ERRORS = (1e-4, 0.1)


class _Sketch(Protocol):
    def update(self, array: npt.NDArray[np.float32], /) -> None: ...
    def is_estimation_mode(self) -> bool: ...
    def get_min_value(self) -> float: ...
    def get_max_value(self) -> float: ...
    def __iter__(self) -> Iterator[tuple[float, int]]: ...


class ColumnSketch:
    """Remember a column's distribution, and its distinct values while they are few."""

    def __init__(self, sketch: _Sketch, bins: int) -> None:
        """Start from an empty sketch."""
        self._sketch = sketch
        self._bins = bins
        self._few: npt.NDArray[np.float32] | None = np.empty(0, np.float32)

    def update(self, samples: npt.NDArray[np.float32]) -> None:
        """Add samples [n], contiguous."""
        self._sketch.update(samples)
        if self._few is not None:
            values = np.union1d(self._few, samples)
            self._few = values if len(values) <= self._bins else None

    def distinct(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return ascending values [K] and the estimated counts below them [K + 1]."""
        if self._few is not None:
            return self._few, np.arange(len(self._few) + 1)
        pairs = list(self._sketch)
        if self._sketch.is_estimation_mode():  # the ends may have been dropped
            pairs += [(self._sketch.get_min_value(), 1)]
            pairs += [(self._sketch.get_max_value(), 1)]
        values, weights = zip(*pairs, strict=True)
        kept, place = np.unique(np.array(values, np.float32), return_inverse=True)
        counts = np.bincount(place, weights=weights).astype(np.int64)
        return kept, np.append(0, counts.cumsum())


def sketch_columns(
    chunks: Iterable[npt.ArrayLike], bins: int, rank_error: float
) -> list[ColumnSketch]:
    """Sketch every column of chunks [n, P] to the given rank error."""
    library = _import_library()
    size = _size_for(rank_error, library.kll_floats_sketch)
    sketches: list[ColumnSketch] = []
    row = 0
    for chunk in tables(chunks):
        numbers = np.arange(chunk.shape[1])
        if not sketches:
            sketches = [
                ColumnSketch(library.kll_floats_sketch(size), bins) for _ in numbers
            ]
        columns = np.ascontiguousarray(finite(chunk, numbers, row).T)
        for sketch, samples in zip(sketches, columns, strict=True):
            sketch.update(samples)
        row += len(chunk)
    if not sketches:
        refuse_no_rows()
    return sketches


def _import_library() -> Any:
    try:
        return import_module("datasketches")
    except ImportError as error:
        raise ValueError(
            "a streaming fit of quantile bins needs Apache DataSketches: "
            "pip install 'tt-tokenize[streaming]'"
        ) from error


def _size_for(rank_error: float, sketch: Any) -> int:
    """Return the smallest k whose error, for any range of ranks, is small enough."""
    low, high = _ERRORS
    if not low <= rank_error <= high:
        raise ValueError(
            f"rank_error must lie from {low} to {high}, a fraction of all samples, "
            f"got {rank_error!r}"
        )

    def closeness(size: int) -> float:
        return -float(sketch.get_normalized_rank_error(size, True))

    return _SIZES[bisect_left(_SIZES, -rank_error, key=closeness)]
