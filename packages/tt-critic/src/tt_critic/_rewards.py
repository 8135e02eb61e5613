"""Reward scalings that belong to the published recipes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def locomotion_rewards(rewards: ArrayLike, ends: ArrayLike) -> NDArray[np.float32]:
    """Scale rewards so that the best and worst episode returns lie 1000 apart.

    Args:
        rewards: [N].
        ends: [E], exclusive end index of each episode; the last one is N.

    Returns:
        float32 [N].

    Raises:
        ValueError: If ``ends`` does not split the rewards, one is not finite, or all
            returns are equal.
    """
    flat = _finite_rewards(rewards)
    stops = _check_ends(ends, len(flat))
    with np.errstate(over="ignore"):  # reported below
        returns = np.add.reduceat(flat, np.concatenate([[0], stops[:-1]]))
    with np.errstate(over="ignore"):  # reported below
        spread = returns.max() - returns.min()
    if not np.isfinite(spread):
        raise ValueError(
            f"episode returns must fit into float64, got {returns.min()} to "
            f"{returns.max()}; scale the rewards down."
        )
    if spread == 0:
        raise ValueError(
            f"the best and worst of {len(stops)} episode returns must differ, all are "
            f"{returns[0]}; leave such rewards unscaled."
        )
    with np.errstate(over="ignore", invalid="ignore"):  # reported there
        return _as_float32(flat * (1000.0 / spread))


def antmaze_rewards(rewards: ArrayLike) -> NDArray[np.float32]:
    """Turn rewards of 0, and 1 at the goal, into -1 a step, and 0 at the goal.

    Args:
        rewards: [N].

    Returns:
        float32 [N], the rewards minus one.

    Raises:
        ValueError: If they are not [N], or one is not finite.
    """
    return _as_float32(_finite_rewards(rewards)) - np.float32(1.0)


def _finite_rewards(rewards: ArrayLike) -> NDArray[np.float64]:
    flat = np.asarray(rewards, np.float64)
    if flat.ndim != 1:
        raise ValueError(
            f"rewards must have shape [N], got {list(flat.shape)}; flatten episodes."
        )
    if not np.isfinite(flat).all():
        row = int(np.flatnonzero(~np.isfinite(flat))[0])
        raise ValueError(
            f"rewards must be finite, got {flat[row]} at row {row}; drop or repair "
            "such transitions."
        )
    return flat


def _check_ends(ends: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return the ends as int64 if they split so many rewards."""
    given = np.asarray(ends)
    good = given.ndim == 1 and given.dtype.kind in "iu" and given.size > 0
    stops = given.astype(np.int64) if good else np.zeros(0, np.int64)
    if not good or stops[-1] != count or (np.diff(stops, prepend=0) < 1).any():
        raise ValueError(
            f"ends must be whole numbers that increase strictly from at least 1 to "
            f"{count}, the number of rewards, got {given.dtype} "
            f"{np.array2string(given, threshold=6)}; pass exclusive end indices."
        )
    return stops


def _as_float32(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # reported below
        single = np.asarray(numbers, np.float32)
    if not np.isfinite(single).all():
        raise ValueError(
            f"scaled rewards must fit into float32, got {np.abs(numbers).max()}; scale "
            "the rewards down."
        )
    return single
