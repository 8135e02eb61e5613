"""The box of actions, as agents are given it."""

import numpy as np

from tt_bench.files import one_line
from tt_bench.interface import FloatArray

_REAL = "fiub"  # kinds of NumPy's types


def action_numbers(low: FloatArray, high: FloatArray) -> int:
    """Count the numbers of an action, Da, that bounds low [Da] and high [Da] have.

    Raises:
        ValueError: if they have other shapes, or are no real numbers in order.
    """
    shapes = np.shape(low), np.shape(high)
    if len(shapes[0]) != 1 or shapes[0] != shapes[1]:
        raise ValueError(
            "expected bounds low and high with one number for each of an action, got "
            f"shapes {list(shapes[0])} and {list(shapes[1])}: give action_space.low "
            "and action_space.high"
        )
    if not all(np.asarray(bound).dtype.kind in _REAL for bound in (low, high)):
        raise ValueError(
            f"expected real numbers as bounds of actions, got {one_line(low)} to "
            f"{one_line(high)}"
        )
    if not np.less_equal(low, high).all():  # not where one is NaN
        raise ValueError(
            f"expected bounds of actions from low to high, got {one_line(low)} to "
            f"{one_line(high)}"
        )
    return int(shapes[0][0])
