"""Bins that hold equally many samples.

N samples, P columns, V bins.
"""

from collections.abc import Iterable
from typing import Any, Self, final

import attrs
import numpy as np
import numpy.typing as npt

from tt_tokenize._bins import Bins
from tt_tokenize._cuts import quantile_column
from tt_tokenize._input import refuse, refuse_no_rows, table, to_float32, whole
from tt_tokenize._sketch import sketch_columns
from tt_tokenize._table import MOST_BINS, Column, pad_columns


@final
@attrs.frozen(eq=False, repr=False)
class QuantileBins(Bins):
    """Give every bin of a column equally many samples (arXiv 2106.02039, section 3).

    A token decodes to the middle of the samples in its bin. Ties do not make empty
    bins: a column of at most V distinct values gets one bin for each and decodes to
    exactly that value; in any other column a value that is heavier than an equal share
    has a bin of its own, the heaviest ones first where bins are too few for all.
    """

    @classmethod
    def fit(cls, data: npt.ArrayLike, bins: int = 100) -> Self:
        """Fit bins to every column of data [N, P].

        Raises:
            ValueError: The data is empty, not finite or not [N, P], or `bins` is not
                from 2 to 65535.
        """
        size = whole(bins, "bins", 2, MOST_BINS)
        samples = table(data)
        if len(samples) == 0:
            refuse_no_rows()
        columns = [
            _fit_column(samples[:, column], size, column)
            for column in range(samples.shape[1])
        ]
        return cls(*pad_columns(columns, size))

    @classmethod
    def fit_stream(
        cls,
        chunks: Iterable[npt.ArrayLike],
        bins: int = 100,
        *,
        rank_error: float = 1e-3,
    ) -> Self:
        """Fit bins to chunks [n, P] of data that need not fit into memory.

        Uses Apache DataSketches' KLL sketch, from the extra `streaming`. With 99 %
        confidence the rank of an edge and the share of samples in a bin are within
        `rank_error`, a fraction of all samples, of those of an exact fit. Columns of at
        most V distinct values are exact, and so is a stream shorter than the sketch.
        The sketch draws its own random numbers: fits may differ by the rank error.

        Raises:
            ValueError: As for `fit`, the extra is missing, or `rank_error` is not from
                1e-4 to 0.1.
        """
        size = whole(bins, "bins", 2, MOST_BINS)
        sketches = sketch_columns(chunks, size, rank_error)
        columns = [quantile_column(*sketch.distinct(), size) for sketch in sketches]
        return cls(*pad_columns(columns, size))


def _fit_column(samples: npt.NDArray[Any], bins: int, column: int) -> Column:
    ordered = np.sort(to_float32(samples))  # puts NaN last
    if not (np.isfinite(ordered[0]) and np.isfinite(ordered[-1])):
        refuse(column)
    new = np.ones(len(ordered) + 1, np.bool_)  # where another value begins, or the end
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:-1])
    return quantile_column(ordered[new[:-1]], np.flatnonzero(new), bins)
