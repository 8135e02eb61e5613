"""Judge by a quantile of the reward and of the value."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tt_plan._interface import Outcome
from tt_plan._middles import Middles, as_middles, bin_weights


class Quantile:
    """Take a quantile of the reward and value distributions.

    Below 0.5 is cautious, above is hopeful. The quantile is the smallest bin middle
    that has at least a share `q` of the probability at or below it. `positions` are
    those of the reward and of the value token. Without `value_middles` the value is 0.
    """

    def __init__(
        self,
        q: float,
        reward_middles: Middles,
        value_middles: Middles | None = None,
        positions: Sequence[int] = (-2, -1),
    ) -> None:
        """Take q in (0, 1] and bin middles [V], in any order, on the plan's device."""
        if not 0.0 < q <= 1.0:
            raise ValueError(
                f"a quantile is in (0, 1], but got q={q}; 0.5 is the median"
            )
        self._q = q
        tables = [as_middles("reward_middles", reward_middles, "V")]
        if value_middles is not None:
            tables.append(as_middles("value_middles", value_middles, "V"))
        self._tables = [table.sort() for table in tables]
        self.positions = tuple(positions[: len(tables)])

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the quantile of reward and value [R]."""
        del tokens
        found = []
        for position, (middles, order) in zip(
            self.positions, self._tables, strict=True
        ):
            drawn = bin_weights(logits, position, middles)
            share = drawn[:, order].cumsum(-1)
            place = (share < self._q * share[:, -1:]).sum(-1)
            found.append(middles[place])
        return Outcome(found[0], found[1] if found[1:] else torch.zeros_like(found[0]))
