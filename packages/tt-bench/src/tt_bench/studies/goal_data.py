"""Give episodes goals that nobody had in mind: the places that they come to.

Axes: N transitions, S segments, E episodes, Do numbers of an observation.
"""

from typing import NamedTuple

import numpy as np

from tt_bench.data import Episodes
from tt_bench.interface import BoolArray, FloatArray, IntArray
from tt_bench.tasks import GOAL, Maze, unseen_pairs, xy_to_cells


class Segment(NamedTuple):
    """Rows of an episode, from `begin` to before `end`, that lead to a goal [2]."""

    begin: int
    end: int
    goal: FloatArray


def with_goals(episodes: Episodes, maze: Maze, *, longest: int, every: int) -> Episodes:
    """Cut episodes [N, Do] into segments with the goal in front of each observation.

    A goal is where the point is `every` so many steps, and belongs to at most the
    `longest` steps before, which may be those of other segments as well. Cells and
    goals that are kept apart are in no segment: it begins after them. There are no
    rewards.

    Raises:
        ValueError: no episode is `every` steps long.
    """
    if episodes.lengths.max() < every:
        raise ValueError(
            f"expected an episode of at least {every} steps, to come to a goal, the "
            f"longest has {episodes.lengths.max()}: choose another --dataset"
        )
    following = episodes.next_observations()
    apart = unseen_pairs(maze)
    cells = xy_to_cells(maze, episodes.observations[:, :GOAL])
    starts = episodes.ends - episodes.lengths
    segments = [
        Segment(_begin(cells, apart, goal, max(start, last - longest), last), last, xy)
        for start, end in zip(starts.tolist(), episodes.ends.tolist(), strict=True)
        for last in range(start + every, end + 1, every)
        for xy in [following[last - 1, :GOAL]]
        for goal in [xy_to_cells(maze, xy)]
    ]
    kept = [one for one in segments if one.end > one.begin]
    return _join(episodes, following, kept)


def _begin(
    cells: IntArray, apart: BoolArray, goal: IntArray, first: int, end: int
) -> int:
    """Return the row after which no cell is kept apart from the goal's."""
    row, column = cells[first:end].T
    forbidden = np.flatnonzero(apart[row, column, goal[0], goal[1]])
    return first if not len(forbidden) else first + int(forbidden[-1]) + 1


def _join(
    episodes: Episodes, following: FloatArray, segments: list[Segment]
) -> Episodes:
    rows = np.concatenate([np.arange(one.begin, one.end) for one in segments])
    lengths = [one.end - one.begin for one in segments]
    goals = np.stack([one.goal for one in segments])
    last = following[[one.end - 1 for one in segments]]
    seen = episodes.observations[rows]
    return Episodes(
        observations=np.hstack([goals.repeat(lengths, 0), seen]),
        actions=episodes.actions[rows],
        rewards=np.zeros(len(rows)),
        ends=np.cumsum(lengths),
        terminated=np.zeros(len(segments), np.bool_),
        final_observations=np.hstack([goals, last]),
    )
