"""The box of actions, as agents are given it."""

import numpy as np

from tt_bench.interface import FloatArray


def action_numbers(low: FloatArray, high: FloatArray) -> int:
    """Count the numbers of an action, Da, that bounds low [Da] and high [Da] have.

    Raises:
        ValueError: if they have other shapes.
    """
    shapes = np.shape(low), np.shape(high)
    if len(shapes[0]) != 1 or shapes[0] != shapes[1]:
        raise ValueError(
            "expected bounds low and high with one number for each of an action, got "
            f"shapes {list(shapes[0])} and {list(shapes[1])}: give action_space.low "
            "and action_space.high"
        )
    return int(shapes[0][0])
