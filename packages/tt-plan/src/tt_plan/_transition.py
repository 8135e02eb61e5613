"""How the tokens of a transition are drawn, and which of their logits are kept.

Axes: R rows, N rows of the buffer, the most that there are, P positions of a
transition, W entries of a logits row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tt_plan._interface import Sampler
from tt_plan._validate import check_drawn


@dataclass(frozen=True)
class LogitBuffer:
    """Keep the logits that the evaluator reads.

    It is allocated once, and written again for every transition of a plan.
    """

    logits: Tensor  # [N, P, W], filled in at `positions`
    positions: frozenset[int]

    def write(self, position: int, logits: Tensor) -> None:
        """Keep the logits [R, W] of a position, of the first R rows."""
        if position in self.positions:
            self.logits[: logits.shape[0], position] = logits

    def write_given(self, tokens: Tensor) -> None:
        """Take tokens [R, e] that were given as certain: their log-likelihood is 0."""
        for position in self.positions & set(range(tokens.shape[1])):
            certain = self.logits[: len(tokens), position].fill_(-torch.inf)
            certain.scatter_(1, tokens[:, position, None].clamp_min(0), 0.0)

    def branch(self, position: int, logits: Tensor, parents: Tensor) -> None:
        """Copy what the parents [N] of all rows keep, up to a position.

        `logits` [R, W] are those of the position itself.
        """
        for early in self.positions & set(range(position)):
            self.logits[:, early] = self.logits[:, early].index_select(0, parents)
        if position in self.positions:
            self.logits[:, position] = logits.index_select(0, parents)


@dataclass(frozen=True)
class Sampling:
    """Say how tokens are drawn, and where a beam branches into candidates."""

    samplers: Sequence[Sampler]  # one a position
    branching: int  # the position at which a beam branches
    stop: int | None
    generator: torch.Generator | None
    buffer: LogitBuffer

    def draw(
        self, position: int, logits: Tensor, ended: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draw one token a row from logits [R, W]; return it and who has ended [R].

        Rows that have ended go on with the stop token. A token of -1 is none.
        """
        tokens = self._sample(position, logits, 1)[:, 0]
        if self.stop is not None:
            tokens = tokens.masked_fill(ended, self.stop)
            if position == 0:
                ended = tokens == self.stop
        self.buffer.write(position, logits)
        return tokens, ended

    def branch(
        self, logits: Tensor, ended: Tensor, parents: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draw the candidates of every row from logits [R, W]; return who has ended.

        `parents` [N] are in order, each equally often. A candidate of -1 is none: a row
        that has ended has one alone.
        """
        tokens = self._sample(self.branching, logits, len(parents) // len(logits))
        self.buffer.branch(self.branching, logits, parents)
        if self.stop is None:
            return tokens.flatten(), ended.index_select(0, parents)
        tokens = _end_once(tokens, ended, self.stop).flatten()
        if self.branching == 0:
            return tokens, tokens == self.stop
        return tokens, ended.index_select(0, parents)

    def _sample(self, position: int, logits: Tensor, count: int) -> Tensor:
        """Draw tokens [R, count]; the stop token only where an observation begins."""
        if position > 0 and self.stop is not None:
            logits = logits[:, : self.stop]
        tokens = self.samplers[position](logits, count, self.generator)
        return check_drawn(tokens, logits, count)


def _end_once(tokens: Tensor, ended: Tensor, stop: int) -> Tensor:
    """Give each row [R] that has ended one candidate, not copies of itself."""
    tokens = tokens.masked_fill(ended[:, None], stop)
    ends = tokens == stop  # [R, count]
    return tokens.masked_fill(ends & (ends.cumsum(1) > 1), -1)
