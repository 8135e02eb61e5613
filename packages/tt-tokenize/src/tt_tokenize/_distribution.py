"""Numbers that sum up a distribution over bins.

C columns, V bins.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

_TOLERANCE = 1e-2  # how far from 1 a sum may lie: half-precision softmax needs as much


def checked(probabilities: npt.NDArray[Any], bins: int) -> npt.NDArray[np.float64]:
    """Return probabilities [..., V] in float64, normalised, or say what is wrong."""
    if probabilities.shape[-1] != bins:
        raise ValueError(
            f"expected probabilities of {bins} bins, got shape "
            f"{list(probabilities.shape)}: leave the stop token out and normalise"
        )
    chances = probabilities.astype(np.float64)
    total = chances.sum(-1, keepdims=True)
    near = np.abs(total - 1.0) <= _TOLERANCE  # false for NaN
    if not near.all() or (chances < 0.0).any():
        raise ValueError(
            "probabilities must be at least 0 and sum to 1 over the bins, got at least "
            f"{chances.min():.4g} and sums from {total.min():.4g} to "
            f"{total.max():.4g}: apply a softmax first"
        )
    chances /= total
    return chances


def expectation(
    probabilities: npt.NDArray[np.float64], middles: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Weigh middles [C, V] with probabilities [..., C, V]."""
    mean = np.einsum("...cv,cv->...c", probabilities, middles.astype(np.float64))
    return np.asarray(mean, np.float32)


def quantile(
    probabilities: npt.NDArray[np.float64], middles: npt.NDArray[np.float32], q: float
) -> npt.NDArray[np.float32]:
    """Take from middles [C, V] where cumulated probabilities [..., C, V] reach q."""
    if not 0.0 <= q <= 1.0:
        raise ValueError(f"q must lie in [0, 1], got {q!r}")
    reached = probabilities.cumsum(-1)
    before = (reached < q * reached[..., -1:]) | (reached <= 0.0)
    place: npt.NDArray[np.intp] = before.sum(-1)
    return middles[np.arange(len(middles)), place]
