"""Where the episodes of a file of D4RL's layout end, and what follows them."""

import h5py
import numpy as np
from numpy.typing import NDArray

from tt_bench.data.hdf5_layout import blocks
from tt_bench.data.hdf5_segments import cut_at_limit
from tt_bench.tasks.environments import find_environment

_TOLERANCE = 1e-4  # of the largest number of a column; more is another observation

Flags = NDArray[np.bool_]
Vectors = NDArray[np.float32]


def find_ends(
    file: h5py.File, env_id: str, observations: Vectors, terminals: Flags
) -> tuple[NDArray[np.int64], Vectors | None]:
    """Find the exclusive end of each episode [E] and its final observation [E, D].

    An episode ends where `terminals` or `timeouts` say so, and where
    `next_observations` is not what the next row has; a file with neither of the latter
    two is cut at the environment's time limit. The end of the file is an end.

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
        limit = find_environment(env_id).max_episode_steps
        marks = cut_at_limit(terminals, limit)
    marks[-1] = True
    ends = np.flatnonzero(marks) + 1
    if finals is not None:
        unknown = terminals[ends - 1] & ~np.isfinite(finals).all(axis=1)
        finals[unknown] = observations[ends[unknown] - 1]
    return ends, finals


def read_flags(stored: h5py.Dataset) -> Flags:
    """Read what is not zero as True: [N]."""
    return np.asarray(stored[()] != 0).reshape(-1)


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
