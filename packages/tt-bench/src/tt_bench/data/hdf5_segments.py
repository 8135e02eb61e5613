"""Cut rows of transitions into episodes, in place."""

import attrs
import numpy as np
from numpy.typing import NDArray

from tt_bench.data.episodes import Episodes


@attrs.frozen(eq=False)
class Rows:
    """Hold transitions of many episodes in the order in which they happened.

    Attributes:
        observations: float32 [N, observation].
        actions: float32 [N, action].
        rewards: float32 [N].
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.float32]
    rewards: NDArray[np.float32]


def cut_at_limit(terminals: NDArray[np.bool_], limit: int | None) -> NDArray[np.bool_]:
    """Mark terminals, and every `limit`-th step counted since the last mark: [N]."""
    marks = terminals.copy()
    if limit is None:
        return marks
    begin = 0
    for end in (*np.flatnonzero(terminals) + 1, len(terminals)):
        marks[begin + limit - 1 : end : limit] = True
        begin = end
    return marks


def split(
    rows: Rows,
    ends: NDArray[np.int64],
    terminated: NDArray[np.bool_],
    finals: NDArray[np.float32] | None,
) -> Episodes:
    """Make episodes of rows; takes the arrays over and may change them.

    Without final observations each truncated episode loses its last transition, whose
    observation becomes the final one. After a termination nothing is to be learned
    from the final observation, so there the last one is repeated.

    Args:
        rows: the transitions.
        ends: exclusive end of each episode [E].
        terminated: bool [E], False where an episode was truncated.
        finals: what followed each episode [E, observation], None if not known.

    Raises:
        ValueError: if nothing remains.
    """
    arrays = [rows.observations, rows.actions, rows.rewards]
    if finals is None:
        finals = rows.observations[ends - 1]
        lengths = np.diff(ends, prepend=0) - ~terminated
        for array in arrays:
            _close_gaps(array, ends, lengths)
        kept = lengths > 0
        ends, terminated = np.cumsum(lengths)[kept], terminated[kept]
        finals = finals[kept]
        if not len(ends):
            raise ValueError(
                "expected an episode with a known next observation, got only "
                "truncated ones of a single transition"
            )
    observations, actions, rewards = (array[: ends[-1]] for array in arrays)
    return Episodes(observations, actions, rewards, ends, terminated, finals)


def _close_gaps(
    array: NDArray[np.float32], ends: NDArray[np.int64], lengths: NDArray[np.int64]
) -> None:
    """Move the first `lengths` rows of each episode up against the one before."""
    to = begin = 0
    for end, length in zip(ends.tolist(), lengths.tolist(), strict=True):
        if to < begin:
            array[to : to + length] = array[begin : begin + length]
        to += length
        begin = end
