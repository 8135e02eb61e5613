"""How many steps it is to the goal on ways that the data shows, by a search over it.

What a critic learns from data can be held against this. It is not the shortest way
through the maze: a state that drives away from the goal is as far from it as the data
takes to turn round. Places and speeds are cut into boxes; the transitions of the data
lead from box to box, and episodes join where they meet in one.
"""

import attrs
import numpy as np
from numpy.typing import NDArray

from tt_bench._interface import BoolArray, FloatArray, IntArray


@attrs.frozen(eq=False)
class DataWays:
    """Hold the boxes [M, D] from which the data leads to the goal, and the steps [M].

    `sides` [D] are those of a box.
    """

    boxes: IntArray
    steps: NDArray[np.float64]
    sides: NDArray[np.float64]

    def look_up(self, states: FloatArray, neighbours: int = 8) -> NDArray[np.float64]:
        """Return the steps from states [N, D], the mean of the nearest boxes': [N].

        One box's are two or three steps off: what is anywhere in it goes on from
        everywhere in it.
        """
        middles, count = self.boxes + 0.5, min(neighbours, len(self.boxes))
        found = np.empty(len(states))
        for row, state in enumerate(states / self.sides):
            away = np.square(middles - state).sum(-1)
            found[row] = self.steps[np.argpartition(away, count - 1)[:count]].mean()
        return found


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
    return DataWays(boxes[known], found[known], sides)


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
