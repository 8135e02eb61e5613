"""Evaluate a transition by the model's distributions, a goal or a function."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tt_plan._interface import Outcome
from tt_plan._middles import (
    Middles,
    as_middles,
    as_numbers,
    bin_probabilities,
    decode,
    expectation,
)
from tt_plan._validate import as_positions


@dataclass(frozen=True)
class FunctionEvaluator:
    """Evaluate by a function of tokens [R, P] and the logits [R, P, W] they came from.

    `positions` are those whose logits it reads: all by default, () for none.
    """

    function: Callable[[Tensor, Tensor], Outcome]
    positions: Sequence[int] | None = None

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the function's outcome [R]."""
        return self.function(tokens, logits)


class Expectation:
    """Take the mean of the reward and value distributions, not the tokens drawn.

    Janner et al. 2021, arXiv 2106.02039. `positions` are those of the reward and of
    the value token. Without `value_middles` the value is 0. ValueError is raised for
    positions that a transition does not have.
    """

    def __init__(
        self,
        reward_middles: Middles,
        value_middles: Middles | None = None,
        positions: Sequence[int] = (-2, -1),
    ) -> None:
        """Take bin middles [V] of the reward and of the value, on the plan's device."""
        self._tables = _tables(reward_middles, value_middles)
        self.positions = as_positions(positions, len(self._tables))

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the expected reward and value [R]."""
        del tokens
        return _outcome(
            expectation(logits, position, table)
            for position, table in zip(self.positions, self._tables, strict=True)
        )


class Quantile:
    """Take a quantile of the reward and value distributions.

    Below 0.5 is pessimistic, above is optimistic. The quantile is the smallest bin
    middle with a probability of at least `q` at or below it. `positions` are those of
    the reward and of the value token. Without `value_middles` the value is 0.
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
        tables = _tables(reward_middles, value_middles)
        self._tables = [table.sort() for table in tables]
        self.positions = as_positions(positions, len(tables))

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the quantile of reward and value [R]."""
        del tokens
        found = []
        for position, (middles, order) in zip(
            self.positions, self._tables, strict=True
        ):
            probabilities = bin_probabilities(logits, position, middles)
            cumulative = probabilities[:, order].cumsum(-1)
            total = cumulative[:, -1:]
            index = (cumulative < self._q * total).sum(-1)
            found.append(middles[index].masked_fill(total[:, 0].isnan(), torch.nan))
        return _outcome(found)


class LogLikelihood:
    """Take the log-likelihood, in nats, of a transition's tokens as the reward.

    The probability is the model's own, the stop token's share included, computed in
    float32 at least. Plan with a discount of 1. An ended row earns nothing more, the
    end itself included; `likelihood_search` counts it, and branches at every token.
    """

    positions: None = None

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the log-likelihood [R] as reward, and a value of 0."""
        precision = torch.promote_types(logits.dtype, torch.float32)
        likelihoods = logits.log_softmax(-1, dtype=precision)
        reward = likelihoods.gather(-1, tokens[..., None]).sum((1, 2))
        return Outcome(reward, torch.zeros_like(reward))


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
        table = as_middles("observation_middles", observation_middles, "DV")
        limits = torch.finfo(table.dtype)
        if not limits.tiny <= scale <= limits.max:
            raise ValueError(
                f"scale must be a distance above 0, and finite as {table.dtype}, but "
                f"got {scale}"
            )
        columns = list(range(len(table)) if dimensions is None else dimensions)
        if not set(columns) <= set(range(len(table))):
            raise ValueError(
                f"dimensions must be columns below {len(table)} of the observation, "
                f"but got {columns}"
            )
        target = as_numbers("goal", goal, table.dtype).to(table)
        if target.shape != (len(columns),):
            raise ValueError(
                f"goal must have one number for each of {len(columns)} dimensions, "
                f"but its shape is {tuple(target.shape)}; name its columns of the "
                "observation in `dimensions`"
            )
        self._table, self._scale = table, scale
        self._goal, self._mask = table.new_zeros(2, len(table))  # [Do] each
        self._goal[columns], self._mask[columns] = target, 1.0

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the nearness [R], as reward and as value."""
        del logits
        reached = decode(tokens[:, : len(self._table)], self._table)
        difference = (reached - self._goal) * self._mask
        distance = torch.linalg.vector_norm(difference, dim=1)
        nearness = 1.0 / (1.0 + distance / self._scale)
        return Outcome(nearness, nearness)


def _tables(reward: Middles, value: Middles | None) -> list[Tensor]:
    """Check bin middles [V] of the reward, and of the value where there is one."""
    tables = [as_middles("reward_middles", reward, "V")]
    if value is not None:
        tables.append(as_middles("value_middles", value, "V"))
    return tables


def _outcome(numbers: Iterable[Tensor]) -> Outcome:
    """Take the first [R] as reward and the second as value, 0 where there is none."""
    reward, *value = numbers
    return Outcome(reward, value[0] if value else torch.zeros_like(reward))
