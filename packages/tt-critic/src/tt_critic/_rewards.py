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
    flat, stops = np.asarray(rewards, np.float64), np.asarray(ends, np.int64)
    if (
        stops.size == 0
        or stops[-1] != len(flat)
        or (np.diff(stops, prepend=0) < 1).any()
    ):
        raise ValueError(
            f"ends must increase strictly from at least 1 to {len(flat)}, the number "
            f"of rewards, got {stops.tolist()[:5]}...; pass exclusive end indices."
        )
    if not np.isfinite(flat).all():
        row = int(np.flatnonzero(~np.isfinite(flat))[0])
        raise ValueError(
            f"rewards must be finite, got {flat[row]} at row {row}; drop or repair "
            "such transitions."
        )
    returns = np.add.reduceat(flat, np.concatenate([[0], stops[:-1]]))
    spread = returns.max() - returns.min()
    if spread == 0:
        raise ValueError(
            f"the best and worst of {len(stops)} episode returns must differ, all are "
            f"{returns[0]}; leave such rewards unscaled."
        )
    return np.asarray(flat * (1000.0 / spread), np.float32)


def antmaze_rewards(rewards: ArrayLike) -> NDArray[np.float32]:
    """Turn rewards of 0, and 1 at the goal, into -1 a step, and 0 at the goal.

    Args:
        rewards: [N].

    Returns:
        float32 [N], the rewards minus one.
    """
    return np.asarray(rewards, np.float32) - np.float32(1.0)
