"""Where the episodes of a file of D4RL's layout end, and what follows them."""

from collections.abc import Callable

import attrs
import h5py
import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from tt_bench.data.episodes import Episodes
from tt_bench.data.hdf5_layout import blocks

_TOLERANCE = 1e-4  # of the largest number of a column; more is another observation

Flags = NDArray[np.bool_]
Vectors = NDArray[np.float32]


def find_ends(
    file: h5py.File,
    find: Callable[[], EnvSpec],
    observations: Vectors,
    terminals: Flags,
) -> tuple[NDArray[np.int64], Vectors | None]:
    """Find the exclusive end of each episode [E] and its final observation [E, D].

    An episode ends where `terminals` or `timeouts` say so, and where
    `next_observations` is not what the next row has; a file with neither of the latter
    two is cut at the time limit of the environment that `find` finds. The end of the
    file is an end.

    Where a terminal's next observation is not finite, nothing is to be learned from
    it and the last observation stands in. Final observations are None without
    `next_observations`.

    Raises:
        ValueError: if the environment is needed and unknown, or most rows are not
            followed by their next observation.
    """
    timed = "timeouts" in file
    marks = terminals | read_flags(file["timeouts"]) if timed else terminals.copy()
    finals = None
    if "next_observations" in file:
        finals = _mark_jumps(file["next_observations"], observations, marks)
    elif not timed:
        limit = find().max_episode_steps
        marks = cut_at_limit(terminals, limit)
    marks[-1] = True
    ends = np.flatnonzero(marks) + 1
    if finals is not None:
        unknown = terminals[ends - 1] & ~np.isfinite(finals).all(axis=1)
        finals[unknown] = observations[ends[unknown] - 1]
    return ends, finals


def read_flags(stored: h5py.Dataset) -> Flags:
    """Read what is not zero as True: [N]."""
    numbers = stored[()]
    if (numbers != numbers).any():
        raise ValueError(
            f"expected {stored.name[1:]} that are 0 or not, got NaN in "
            f"{stored.file.filename}: mark what ends and what doesn't"
        )
    return np.asarray(numbers != 0).reshape(-1)


def _mark_jumps(stored: h5py.Dataset, observations: Vectors, marks: Flags) -> Vectors:
    """Mark also the rows whose next observation is not the next row's.

    The next observations of all rows that are marked, [E, D], are picked on the way:
    reading the file block by block once is what takes time.
    """
    marks[-1] = True
    inside = len(marks) - int(marks.sum())
    most = _TOLERANCE * np.fmax.reduce(np.abs(_extremes(observations)))
    jumps, finals = 0, []
    for begin, end in blocks(len(marks)):
        with np.errstate(over="ignore", invalid="ignore"):
            following = stored[begin:end, : observations.shape[1]].astype(np.float32)
            seen = observations[begin + 1 : end + 1]
            same = np.abs(following[: len(seen)] - seen) <= most
            same |= np.isnan(following[: len(seen)]) & np.isnan(seen)  # told elsewhere
        block = marks[begin:end]
        fresh = ~same.all(axis=1) & ~block[: len(seen)]
        block[: len(seen)] |= fresh
        jumps += int(fresh.sum())
        finals.append(following[block])
    _check_order(stored, jumps, inside)
    return np.concatenate(finals)


def _extremes(observations: Vectors) -> Vectors:
    """Return the least and the largest number of each column: [2, D]."""
    bounds = np.fmin.reduce(observations), np.fmax.reduce(observations)
    return np.stack(bounds)


def _check_order(stored: h5py.Dataset, jumps: int, inside: int) -> None:
    if 2 * jumps > inside:
        raise ValueError(
            "expected next_observations that the next row has as its observation, got "
            f"others in {jumps:,} of {inside:,} rows inside episodes of "
            f"{stored.file.filename}: write the transitions in the order in which they "
            "happened, or leave next_observations out and mark ends in timeouts"
        )


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
