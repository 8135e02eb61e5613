"""The two arrays that fitted bins are: edges and middles of every column.

P columns, V bins.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

MOST_BINS = 65535  # the stop token after the last bin still fits 16 bits


class Column(NamedTuple):
    """The bins in use of one column: middles [U] and the edges [U - 1] between."""

    edges: npt.NDArray[np.float32]
    middles: npt.NDArray[np.float32]


def column_of(
    lows: npt.NDArray[np.float32],
    highs: npt.NDArray[np.float32],
    middles: npt.NDArray[np.float32],
) -> Column:
    """Place edges halfway between the numbers of neighbouring bins.

    Bin t holds fitted numbers from lows[t] to highs[t] < lows[t + 1].
    """
    edges = halfway(highs[:-1], lows[1:])
    return Column(np.where(edges > highs[:-1], edges, lows[1:]), middles)


def halfway(
    low: npt.NDArray[np.float32], high: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Round the mean of float32 numbers once, so that it lies between them."""
    return ((low.astype(np.float64) + high) / 2).astype(np.float32)


def pad_columns(
    columns: list[Column], bins: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Stack columns to edges [P, V - 1] and middles [P, V], unused bins at the end."""
    edges = np.full((len(columns), bins - 1), np.inf, np.float32)
    middles = np.empty((len(columns), bins), np.float32)
    for row, column in enumerate(columns):
        used = len(column.middles)
        edges[row, : used - 1] = column.edges
        middles[row, :used] = column.middles
        middles[row, used:] = column.middles[-1]
    return edges, middles


def check_table(edges: npt.NDArray[Any], middles: npt.NDArray[Any]) -> None:
    """Refuse edges and middles that would not round-trip."""
    _check_shapes(edges.shape, middles.shape)
    outside = np.full((len(edges), 1), np.inf, np.float32)
    low = np.hstack([-outside, edges])
    high = np.hstack([edges, outside])
    inside = (low <= middles) & (middles < high)
    if not ((inside | np.isposinf(low)).all() and np.isfinite(middles).all()):
        raise ValueError(
            "every middle must be finite and lie in its own bin, between ascending "
            "edges: make bins with fit, fit_stream or load"
        )


def _check_shapes(edges: tuple[int, ...], middles: tuple[int, ...]) -> None:
    fits = len(middles) == 2 and edges == (middles[0], middles[1] - 1)
    if not fits or middles[0] < 1 or not 2 <= middles[1] <= MOST_BINS:
        raise ValueError(
            "bins need edges [P, V - 1] and middles [P, V] with V from 2 to "
            f"{MOST_BINS}, got {list(edges)} and {list(middles)}: make bins with fit"
        )
