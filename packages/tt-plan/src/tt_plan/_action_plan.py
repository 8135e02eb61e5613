"""What a search over sequences of actions returns."""

from typing import NamedTuple

import torch
from torch import Tensor


class ActionPlan(NamedTuple):
    """Hold the actions to execute, and the best sequence that was imagined.

    Axes: E environments, H transitions, A numbers of an action.
    """

    actions: Tensor  # [E, H, A], to execute
    best: Tensor  # [E, H, A], the sequence of the highest score
    score: Tensor  # [E], its score

    def later(self, steps: int = 1) -> Tensor:
        """Return the actions [E, H, A] left after some steps, the last one repeated.

        They are what the next search starts from.
        """
        left = self.actions[:, steps:]
        last = self.actions[:, -1:]
        missing = self.actions.shape[1] - left.shape[1]
        return torch.cat([left, last.expand(-1, missing, -1)], 1)
