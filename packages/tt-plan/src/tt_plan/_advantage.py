"""Judge every step by a critic's advantage."""

from collections.abc import Callable

import torch
from torch import Tensor

from tt_plan._interface import Outcome
from tt_plan._middles import Middles, as_middles, decode_pair
from tt_plan._validate import check_judged


class Advantage:
    """Take Q - V of the decoded observation and action as the reward of a transition.

    A plan's score is then the discounted sum of its advantages: every step counts, not
    the last alone as with `QValue`. The transition is observation, action, reward,
    value; no logits are read, and the value is 0.
    """

    positions: tuple[int, ...] = ()

    def __init__(
        self,
        q: Callable[[Tensor, Tensor], Tensor],
        v: Callable[[Tensor], Tensor],
        observation_middles: Middles,
        action_middles: Middles,
    ) -> None:
        """Take q(observation [R, Do], action [R, Da]), v(observation) and middles."""
        self._q, self._v = q, v
        self._observation = as_middles("observation_middles", observation_middles, "DV")
        self._action = as_middles("action_middles", action_middles, "DV")

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return Q - V and 0 [R]."""
        del logits
        observation, action = decode_pair(tokens, self._observation, self._action)
        q = check_judged("q", self._q(observation, action), len(tokens))
        reward = q - check_judged("v", self._v(observation), len(tokens))
        return Outcome(reward, torch.zeros_like(reward))
