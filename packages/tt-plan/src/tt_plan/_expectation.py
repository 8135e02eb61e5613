"""Judge by the expected reward and value."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tt_plan._interface import Outcome
from tt_plan._middles import Middles, as_middles, expectation


class Expectation:
    """Take the mean of the reward and value distributions, not the tokens drawn.

    Janner et al. 2021, arXiv 2106.02039. `positions` are those of the reward and of
    the value token. Without `value_middles` the value is 0.
    """

    def __init__(
        self,
        reward_middles: Middles,
        value_middles: Middles | None = None,
        positions: Sequence[int] = (-2, -1),
    ) -> None:
        """Take bin middles [V] of the reward and of the value, on the plan's device."""
        self._tables = [as_middles("reward_middles", reward_middles, "V")]
        if value_middles is not None:
            self._tables.append(as_middles("value_middles", value_middles, "V"))
        self.positions = tuple(positions[: len(self._tables)])

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the expected reward and value [R]."""
        del tokens
        means = [
            expectation(logits, position, table)
            for position, table in zip(self.positions, self._tables, strict=True)
        ]
        return Outcome(means[0], means[1] if means[1:] else torch.zeros_like(means[0]))
