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
        ValueError: if the expert's return isn't above the random one.
    """
    random, expert = reference
    if not random < expert:
        raise ValueError(
            "expected a reference (random return, expert return) that increases, "
            f"got {reference}"
        )
    return 100.0 * (np.asarray(returns, np.float64) - random) / (expert - random)
