"""Where to cut a column's sorted values so that bins hold equally many samples.

K distinct values, V bins. `bounds` [K + 1] counts the samples below each distinct
value, in ascending order of value, and ends with the count of all.
"""

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

from tt_tokenize._table import Column, column_of, halfway

_Indices = npt.NDArray[np.intp]


def quantile_column(
    values: npt.NDArray[np.float32], bounds: npt.NDArray[np.int64], bins: int
) -> Column:
    """Cut distinct ascending values [K], counted by `bounds`, into at most V bins."""
    first = first_values(bounds, bins)
    last = np.append(first[1:], len(values)) - 1
    lows, highs = values[first], values[last]
    middles = np.where(lows == highs, lows, halfway(lows, highs))
    # A value that fills the inner half of a bin stands for the bin.
    start, stop = bounds[first], bounds[last + 1]
    quarter = (stop - start) // 4
    lower = values[np.searchsorted(bounds, start + quarter, "right") - 1]
    upper = values[np.searchsorted(bounds, stop - 1 - quarter, "right") - 1]
    return column_of(lows, highs, np.where(lower == upper, lower, middles))


def first_values(bounds: npt.NDArray[np.int64], bins: int) -> _Indices:
    """Return the index of the value that begins each bin, at most V of them.

    Up to V distinct values get a bin each. Of more, a value that is heavier than an
    equal share of the samples gets a bin of its own, and what lies between such values
    is cut at equal counts, moved to the nearest change of value. Where that takes too
    many bins the heaviest come first: more than two shares always have their own bin.
    """
    size = len(bounds) - 1
    if size <= bins:
        return np.arange(size)
    counts = np.diff(bounds)
    heavy = _separable(_heavy_values(counts, int(bounds[-1]), bins), counts, bins)
    pieces = _pieces(heavy, size)
    begins = bounds[pieces]
    masses = np.diff(begins, append=bounds[-1])
    shares = _shares(masses, ~np.isin(pieces, heavy), bins)
    return _cut(bounds[:-1], begins, masses, shares)


def _heavy_values(counts: npt.NDArray[np.int64], total: int, bins: int) -> _Indices:
    """Find the values heavier than an equal share of what the heavier ones leave."""
    heavy = np.flatnonzero(counts > total / bins)
    found = 0
    while found < len(heavy):
        found = len(heavy)
        share = (total - int(counts[heavy].sum())) / (bins - found)
        heavy = np.flatnonzero(counts > share)
    return heavy


def _separable(heavy: _Indices, counts: npt.NDArray[np.int64], bins: int) -> _Indices:
    """Keep as many of the heaviest values as leave a bin for each piece between."""
    heaviest = heavy[np.argsort(-counts[heavy], kind="stable")]

    def pieces_around(kept: int) -> int:
        return len(_pieces(heaviest[:kept], len(counts)))

    fitting = bisect_right(range(len(heavy) + 1), bins, key=pieces_around)
    return np.sort(heaviest[: fitting - 1])


def _pieces(heavy: _Indices, size: int) -> _Indices:
    """Return where each heavy value and each run of light ones begins."""
    begins = np.unique(np.concatenate([[0], heavy, heavy + 1]))
    return begins[begins < size]


def _shares(
    masses: npt.NDArray[np.int64], light: npt.NDArray[np.bool_], bins: int
) -> npt.NDArray[np.int64]:
    """Give every piece one bin and the light ones more, by what exceeds a bin's share.

    Cumulated before they are rounded, so that all bins are given away.
    """
    share = masses[light].sum() / (bins - np.count_nonzero(~light))
    excess = np.where(light, np.maximum(masses - share, 0.0), 0.0).cumsum()
    spare = bins - len(masses)
    reached = np.rint(excess * (spare / excess[-1])) if spare else np.zeros(len(masses))
    shares: npt.NDArray[np.int64] = 1 + np.diff(reached, prepend=0).astype(np.int64)
    return shares


def _cut(
    starts: npt.NDArray[np.int64],
    begins: npt.NDArray[np.int64],
    masses: npt.NDArray[np.int64],
    shares: npt.NDArray[np.int64],
) -> _Indices:
    """Cut each piece into its share of bins, at the values that start nearest."""
    inner = np.arange(shares.sum()) - np.repeat(shares.cumsum() - shares, shares)
    targets = np.repeat(begins, shares) + inner * np.repeat(masses / shares, shares)
    after = np.searchsorted(starts, targets).clip(max=len(starts) - 1)
    before = (after - 1).clip(min=0)
    nearer = targets - starts[before] < starts[after] - targets
    return np.unique(np.where(nearer, before, after))
