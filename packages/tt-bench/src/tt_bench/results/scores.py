"""Put returns on the scale where 0 is a random policy and 100 an expert."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def normalise(
    returns: ArrayLike, reference: tuple[float, float]
) -> NDArray[np.float64]:
    """Return 100 * (return - random) / (expert - random), of the shape of the returns.

    Args:
        returns: undiscounted returns of episodes.
        reference: mean return of a random policy and of an expert.

    Raises:
        ValueError: if returns or references are not finite, or the expert's return
            isn't above the random one.
    """
    ends = np.asarray(reference, np.float64)
    if ends.shape != (2,) or not np.isfinite(ends).all() or not ends[0] < ends[1]:
        raise ValueError(
            "expected a reference (random return, expert return) that increases, "
            f"got {reference}"
        )
    random, expert = ends.tolist()
    above = np.asarray(returns, np.float64) - random
    if not np.isfinite(above).all():
        raise ValueError(f"expected finite returns, got {str(returns)[:80]}")
    return np.asarray(100.0 * above / (expert - random))
