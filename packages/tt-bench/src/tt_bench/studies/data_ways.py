"""What data says about the ways to a goal, found without a network.

What a critic learns from data can be held against this. Places and speeds are cut into
boxes; the transitions of the data lead from box to box, and episodes join where they
meet in one. A search counts the steps of the shortest way, and a table learns V from
all transitions of a box, as implicit Q-learning does. Neither is the shortest way
through the maze: a state that drives away from the goal is as far from it as the data
takes to turn round.
"""

import attrs
import numpy as np
from numpy.typing import NDArray

from tt_bench.interface import BoolArray, FloatArray, IntArray

_SWEEPS = 10_000  # over a table at most; a discount of 0.99 needs some hundred
_STILL = 1e-6  # what no value moves by in the last sweep


@attrs.frozen(eq=False)
class BoxTable:
    """Hold a number [M] for each box [M, D] from which the data leads to the goal.

    `sides` [D] are those of a box.
    """

    boxes: IntArray
    numbers: NDArray[np.float64]
    sides: NDArray[np.float64]

    def look_up(self, states: FloatArray, neighbours: int = 8) -> NDArray[np.float64]:
        """Return the numbers at states [N, D], the mean of the nearest boxes': [N].

        One box's steps are two or three off: what is anywhere in it goes on from
        everywhere in it.
        """
        middles, count = self.boxes + 0.5, min(neighbours, len(self.boxes))
        found = np.empty(len(states))
        for row, state in enumerate(states / self.sides):
            away = np.square(middles - state).sum(-1)
            found[row] = self.numbers[np.argpartition(away, count - 1)[:count]].mean()
        return found


@attrs.frozen(eq=False)
class DataWays:
    """Hold how many steps it is to the goal, and the transitions that lead there.

    `before` and `after` [N] are rows of the boxes of `steps`: where a transition leads
    from and to. Where it `reached` [N] the goal, `after` means nothing.
    """

    steps: BoxTable
    before: IntArray
    after: IntArray
    reached: BoolArray


def search_data(
    states: FloatArray,
    following: FloatArray,
    reached: BoolArray,
    sides: NDArray[np.float64],
) -> DataWays:
    """Count the steps to the goal, from every box of states.

    Args:
        states: what each transition began in, [N, D].
        following: what it led to, [N, D].
        reached: whether that was the goal, [N].
        sides: of a box, [D], in the units of the states.

    Raises:
        ValueError: if no transition reaches the goal.
    """
    if not reached.any():
        raise ValueError("expected a transition that reaches the goal, got none")
    both = np.floor(np.concatenate([states, following]) / sides).astype(np.int64)
    boxes, owners = np.unique(both, axis=0, return_inverse=True)
    before, after = owners.reshape(2, -1)
    steps = np.full(len(boxes), np.inf)
    steps[before[reached]] = 1.0
    found = _spread(steps, before[~reached], after[~reached])
    known = np.isfinite(found)
    leads = known[before] & (reached | known[after])
    rows = np.cumsum(known) - 1  # of the boxes that are kept
    return DataWays(
        BoxTable(boxes[known], found[known], sides),
        rows[before[leads]],
        rows[after[leads]],
        reached[leads],
    )


def learn_values(ways: DataWays, *, discount: float, expectile: float) -> BoxTable:
    """Learn V of every box of states, for a reward of 1 in the goal and 0 elsewhere.

    V of a box is the expectile of what its transitions are worth (arXiv 2110.06169,
    equation 5): 1 where they reach the goal, else the discounted V of the box that
    they lead to. The nearer the expectile is to 1, the nearer V is to `discount` to
    the power of one less than the steps. Transitions from where the data never reaches
    the goal, or to there, teach nothing.
    """
    values = np.zeros(len(ways.steps.boxes))
    for _ in range(_SWEEPS):
        worth = np.where(ways.reached, 1.0, discount * values[ways.after])
        weight = np.where(worth > values[ways.before], expectile, 1.0 - expectile)
        total = np.bincount(ways.before, weight)
        old, values = values, np.bincount(ways.before, weight * worth) / total
        if np.abs(values - old).max() < _STILL:
            break
    return attrs.evolve(ways.steps, numbers=values)


def _spread(
    steps: NDArray[np.float64], before: IntArray, after: IntArray
) -> NDArray[np.float64]:
    """Carry steps back over edges `before` -> `after` until nothing gets nearer."""
    while True:
        nearer = steps.copy()
        np.minimum.at(nearer, before, steps[after] + 1.0)
        if not (nearer < steps).any():
            return steps
        steps = nearer
