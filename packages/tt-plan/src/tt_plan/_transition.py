"""One transition of every row of a search, while its tokens are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from tt_plan._interface import Sampler


@dataclass(frozen=True)
class Drawing:
    """Say how tokens are drawn, and which logits are worth keeping."""

    samplers: Sequence[Sampler]  # one a position
    generator: torch.Generator | None
    stop: int | None
    reads: frozenset[int]  # positions whose logits the evaluator reads

    def sample(self, position: int, logits: Tensor, count: int) -> Tensor:
        """Draw tokens [R, count]; the stop token only where an observation begins."""
        if position > 0 and self.stop is not None:
            logits = logits[:, : self.stop]
        return self.samplers[position](logits, count, self.generator)


class Transition:
    """Hold the tokens, and the logits worth keeping, of one transition of R rows.

    It is allocated once and written again for every transition of a plan.
    """

    def __init__(self, drawing: Drawing, rows: int, like: Tensor) -> None:
        """Take the number of rows and a logits row [., W] to follow."""
        width = len(drawing.samplers)
        self._drawing = drawing
        self.tokens = torch.zeros(
            rows, width, dtype=torch.int64, device=like.device
        )  # [R, P]
        self.logits = like.new_zeros(rows, width, like.shape[1])  # [R, P, W]
        self.ended = torch.zeros(rows, dtype=torch.bool, device=like.device)
        self.empty = self.ended  # slots that hold no sequence, set by `fan_out`

    @classmethod
    def given(cls, drawing: Drawing, tokens: Tensor, like: Tensor) -> Self:
        """Begin with tokens [R, e] that were given: certain, so of log-likelihood 0."""
        made = cls(drawing, len(tokens), like)
        known = tokens.shape[1]
        made.tokens[:, :known] = tokens
        made.logits[:, :known] = -torch.inf
        made.logits[:, :known].scatter_(2, tokens[..., None], 0.0)
        return made

    def draw(self, position: int, logits: Tensor) -> Tensor:
        """Draw one token a row [R]; rows that have ended go on with the stop token."""
        tokens = self._drawing.sample(position, logits, 1)[:, 0]
        stop = self._drawing.stop
        if stop is not None:
            tokens = tokens.masked_fill(self.ended, stop)
            if position == 0:
                self.ended = tokens == stop
        self.tokens[:, position] = tokens
        if position in self._drawing.reads:
            self.logits[:, position] = logits
        return tokens

    def fan_out(
        self, source: "Transition", origin: Tensor, position: int, logits: Tensor
    ) -> Tensor:
        """Draw the candidates of every source row, as the rows of this transition.

        Args:
            source: the transition up to `position`.
            origin: int64 [R], the source row of each row, in order, equally often.
            position: where the candidates of one row part.
            logits: [source rows, W] at that position.

        Returns:
            The tokens [R] drawn. `empty` marks the slots for which there was none.
        """
        count = len(origin) // len(logits)
        tokens = self._drawing.sample(position, logits, count)
        stop = self._drawing.stop
        if stop is not None:
            tokens = _end_once(tokens, source.ended, stop)
        tokens = tokens.flatten()
        self.empty = tokens < 0
        tokens = tokens.clamp_min(0)
        self.tokens[:, :position] = source.tokens.index_select(0, origin)[:, :position]
        self.tokens[:, position] = tokens
        self.ended = source.ended.index_select(0, origin)
        if position == 0 and stop is not None:
            self.ended = tokens == stop
        self._keep_logits(source, origin, position, logits)
        return tokens

    def _keep_logits(
        self, source: "Transition", origin: Tensor, position: int, logits: Tensor
    ) -> None:
        for early in self._drawing.reads & set(range(position)):
            self.logits[:, early] = source.logits[:, early].index_select(0, origin)
        if position in self._drawing.reads:
            self.logits[:, position] = logits.index_select(0, origin)


def _end_once(tokens: Tensor, ended: Tensor, stop: int) -> Tensor:
    """Give each row [R] that has ended one candidate, not copies of itself."""
    tokens = tokens.masked_fill(ended[:, None], stop)
    ends = tokens == stop  # [R, count]
    return tokens.masked_fill(ends & (ends.cumsum(1) > 1), -1)
