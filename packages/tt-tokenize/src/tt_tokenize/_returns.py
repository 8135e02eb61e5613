"""Discounted rewards from each step to the end of its episode.

N steps, E episodes.
"""

from itertools import accumulate

import numpy as np
import numpy.typing as npt

from tt_tokenize._input import real_array, within_float32


def reward_to_go(
    rewards: npt.ArrayLike, ends: npt.ArrayLike, discount: float
) -> npt.NDArray[np.float32]:
    """Sum the discounted rewards that follow each step of an episode, float32 [N].

    V_t = sum over k >= 1 of discount^(k-1) * r_(t+k), so a step's own reward is not
    part of its value and the last step of an episode has value 0 (the definition of
    the Trajectory Transformer's released code; the text of arXiv 2106.02039 begins
    the sum at r_t). Rewards are [N], `ends` [E] holds the exclusive end of every
    episode. Summed in float64.

    Raises:
        ValueError: Rewards are not [N] finite numbers, `ends` is not increasing up
            to N, the discount is outside [0, 1], or a sum is beyond float32.
    """
    steps = real_array(rewards, "rewards").astype(np.float64)
    stops = _whole_numbers(ends)
    _check(steps, stops, discount)
    starts = np.concatenate([[0], stops[:-1]])
    values = np.empty(len(steps), np.float64)
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        later = reversed(steps[start + 1 : stop].tolist())
        scan = accumulate(later, lambda value, r: r + discount * value, initial=0.0)
        values[start:stop] = list(scan)[::-1]
    return within_float32(values, "sums of rewards", "scale the rewards down")


def _whole_numbers(ends: npt.ArrayLike) -> npt.NDArray[np.int64]:
    try:
        stops = np.asarray(ends)
    except ValueError:  # ragged
        stops = np.empty(0, np.object_)
    if stops.ndim != 1 or stops.dtype.kind not in "iu" or len(stops) == 0:
        raise ValueError(
            f"ends must be whole numbers of shape [episodes], got dtype {stops.dtype} "
            f"and shape {list(stops.shape)}: pass the exclusive end of each episode"
        )
    return stops.astype(np.int64)  # too large unsigned ones become negative


def _check(
    rewards: npt.NDArray[np.float64], ends: npt.NDArray[np.int64], discount: float
) -> None:
    if rewards.ndim != 1 or not np.isfinite(rewards).all():
        raise ValueError(
            f"rewards must be finite numbers of shape [steps], got shape "
            f"{list(rewards.shape)}: pass one reward a step, without NaN"
        )
    if not 0.0 <= discount <= 1.0:
        raise ValueError(f"the discount must lie in [0, 1], got {discount!r}")
    if ends[0] < 1 or (ends[1:] <= ends[:-1]).any() or ends[-1] != len(rewards):
        raise ValueError(
            f"ends must increase from at least 1 to the number of rewards, "
            f"{len(rewards)}, got {ends[0]} to {ends[-1]}: pass exclusive ends"
        )
