"""Evaluate a transition by a critic."""

from collections.abc import Callable

import torch
from torch import Tensor

from tt_plan._interface import Outcome
from tt_plan._middles import Middles, as_middles, decode_pair, expectation
from tt_plan._validate import check_critic


class QValue:
    """Take Q of the decoded observation and action as the value.

    Janner et al. 2021, section 4.3, arXiv 2106.02039. The transition is observation,
    action, reward, value. The reward is the expectation of the reward's distribution,
    or 0 without `reward_middles`; scaled or shifted middles give it a weight, or put it
    in the critic's units.

    Q counts the transition's own reward already. With `discount` (the plan's, above 0)
    the value is (Q - reward) / discount, so that reward + discount * value is Q itself;
    without, the value is Q.
    """

    def __init__(
        self,
        q: Callable[[Tensor, Tensor], Tensor],
        observation_middles: Middles,
        action_middles: Middles,
        reward_middles: Middles | None = None,
        *,
        discount: float | None = None,
    ) -> None:
        """Take q(observation [R, Do], action [R, Da]) -> [R] and middles [., V]."""
        if discount is not None and not 0.0 < discount <= 1.0:
            raise ValueError(f"discount must be in (0, 1] or None, but got {discount}")
        self._q = q
        self._observation = as_middles("observation_middles", observation_middles, "DV")
        self._action = as_middles("action_middles", action_middles, "DV")
        self._reward = (
            None
            if reward_middles is None
            else as_middles("reward_middles", reward_middles, "V")
        )
        self._discount = discount
        self.positions: tuple[int, ...] = () if self._reward is None else (-2,)

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the expected reward and Q [R]."""
        pair = decode_pair(tokens, self._observation, self._action)
        value = check_critic("q", self._q(*pair), len(tokens))
        if self._reward is None:
            reward = torch.zeros_like(value)
        else:
            reward = expectation(logits, -2, self._reward)
        if self._discount is not None:
            value = (value - reward) / self._discount
        return Outcome(reward, value)


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
        q = check_critic("q", self._q(observation, action), len(tokens))
        reward = q - check_critic("v", self._v(observation), len(tokens))
        return Outcome(reward, torch.zeros_like(reward))
