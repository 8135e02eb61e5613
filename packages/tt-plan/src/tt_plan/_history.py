"""Remember what each cut kept, and read the surviving sequences back."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor


class Plan(NamedTuple):
    """Hold the best sequences found, as tokens, and their scores.

    The first transition begins with the observation tokens that were given. From the
    transition at which a sequence has ended its tokens are the stop token. The best has
    a finite score, as the planner would have raised ValueError. Where fewer than `beam`
    sequences with one exist, the rest have a score of minus infinity and meaningless
    tokens. No score is NaN, no token is -1.
    """

    tokens: Tensor  # [E, H, P] int64, the best sequence
    score: Tensor  # [E], its score
    beams: Tensor  # [E, beam, H, P] int64, all sequences, best first
    scores: Tensor  # [E, beam], their scores

    @classmethod
    def ranked(cls, beams: Tensor, scores: Tensor) -> Self:
        """Take sequences [E, beam, H, P], best first, and their scores [E, beam]."""
        return cls(beams[:, 0], scores[:, 0], beams, scores)


class Cut(NamedTuple):
    """Hold the tokens that R rows drew last, and the rows that they continue."""

    tokens: Tensor  # int64 [R, C]
    parents: Tensor  # int64 [R], rows of the cut before

    def take(self, rows: Tensor) -> Self:
        """Return the rows [K] that survive."""
        tokens, parents = self
        return self._replace(
            tokens=tokens.index_select(0, rows), parents=parents.index_select(0, rows)
        )


def trace_back(cuts: Sequence[Cut], rows: Tensor) -> Tensor:
    """Return the sequences [R, cuts, C] that end in rows [R] of the last cut."""
    found = []
    for tokens, parents in reversed(cuts):
        found.append(tokens.index_select(0, rows))
        rows = parents.index_select(0, rows)
    return torch.stack(found[::-1], 1)


def flat_rows(indices: Tensor, size: int) -> Tensor:
    """Return the rows [E * K] of indices [E, K] into `size` rows an environment."""
    first = torch.arange(0, len(indices) * size, size, device=indices.device)
    return (indices + first[:, None]).flatten()
