"""Bins of equal width.

N samples, P columns, V bins.
"""

from collections.abc import Iterable
from typing import Self, final

import attrs
import numpy as np
import numpy.typing as npt

from tt_tokenize._bins import Bins
from tt_tokenize._input import refuse, refuse_no_rows, tables, to_float32, whole
from tt_tokenize._table import MOST_BINS, Column, halfway, pad_columns


@final
@attrs.frozen(eq=False, repr=False)
class UniformBins(Bins):
    """Cut the range of every column into bins of equal width.

    A token decodes to the middle of its bin, so a number inside the fitted range comes
    back within half a width. A column whose range holds too few float32 numbers for
    that has fewer bins; a constant column has one, which decodes to the constant.
    """

    @classmethod
    def fit(cls, data: npt.ArrayLike, bins: int = 100) -> Self:
        """Fit bins to every column of data [N, P].

        Raises:
            ValueError: The data is empty, not finite or not [N, P], or `bins` is not
                from 2 to 65535.
        """
        return cls.fit_stream([data], bins)

    @classmethod
    def fit_stream(cls, chunks: Iterable[npt.ArrayLike], bins: int = 100) -> Self:
        """Fit bins to chunks [n, P] of data that need not fit into memory.

        These are exactly the bins that `fit` makes of all the chunks together.

        Raises:
            ValueError: As for `fit`, or the chunks differ in their columns.
        """
        size = whole(bins, "bins", 2, MOST_BINS)
        columns = [_cut(low, high, size) for low, high in _ranges(chunks)]
        return cls(*pad_columns(columns, size))


def _ranges(chunks: Iterable[npt.ArrayLike]) -> npt.NDArray[np.float32]:
    """Return the smallest and largest number of every column, [P, 2]."""
    ends = [np.stack([part.min(0), part.max(0)], 1) for part in tables(chunks)]
    if not ends:
        refuse_no_rows()
    both = to_float32(np.concatenate(ends, 1))
    for column in np.flatnonzero(~np.isfinite(both).all(1)):
        refuse(int(column))
    return np.stack([both.min(1), both.max(1)], 1)


def _cut(low: np.float32, high: np.float32, bins: int) -> Column:
    """Cut the range; drop edges that float32 cannot tell apart."""
    inner = np.linspace(np.float64(low), np.float64(high), bins + 1)[1:-1]
    edges = np.unique(inner.astype(np.float32))
    edges = edges[edges > low]
    lows, highs = np.append(low, edges), np.append(edges, high)
    middles = halfway(lows, highs)
    return Column(edges, np.where(middles < highs, middles, lows))
