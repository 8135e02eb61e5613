"""Judge by how near the observations come to a goal."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tt_plan._interface import Outcome
from tt_plan._middles import Middles, as_middles, decode


class Goal:
    """Take the nearness of the decoded observation to a goal as reward and as value.

    Nearness is 1 / (1 + distance / scale): 1 at the goal, 1/2 at a Euclidean distance
    of `scale`, above 0 everywhere, so that a row that has ended is never better off.
    `dimensions` are the columns of the observation that the goal speaks of, all by
    default.
    """

    positions: tuple[int, ...] = ()

    def __init__(
        self,
        goal: Middles | Sequence[float],
        observation_middles: Middles,
        dimensions: Sequence[int] | None = None,
        scale: float = 1.0,
    ) -> None:
        """Take a goal [G] and bin middles [Do, V], on the plan's device."""
        if not scale > 0.0:
            raise ValueError(f"scale must be a distance above 0, but got {scale}")
        table = as_middles("observation_middles", observation_middles, "DV")
        columns = list(range(len(table)) if dimensions is None else dimensions)
        if not set(columns) <= set(range(len(table))):
            raise ValueError(
                f"dimensions must be columns below {len(table)} of the observation, "
                f"but got {columns}"
            )
        if not isinstance(goal, Tensor):  # a copy, as torch warns of frozen arrays
            goal = torch.tensor(goal, dtype=table.dtype)
        point = goal.to(table)
        if point.shape != (len(columns),):
            raise ValueError(
                f"goal must have one number for each of {len(columns)} dimensions, "
                f"but its shape is {tuple(point.shape)}; name its columns of the "
                "observation in `dimensions`"
            )
        self._table, self._scale = table, scale
        self._goal, self._counts = table.new_zeros(2, len(table))  # [Do] each
        self._goal[columns], self._counts[columns] = point, 1.0

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the nearness [R], as reward and as value."""
        del logits
        reached = decode(tokens[:, : len(self._table)], self._table)
        apart = (reached - self._goal) * self._counts
        distance = torch.linalg.vector_norm(apart, dim=1)
        nearness = 1.0 / (1.0 + distance / self._scale)
        return Outcome(nearness, nearness)
