"""Remember what was drawn and read the surviving sequences back."""

from typing import NamedTuple

import torch
from torch import Tensor


class Plan(NamedTuple):
    """Hold the best sequences found, as tokens, and their scores.

    The first transition begins with the observation tokens that were given. From the
    transition at which a sequence has ended its tokens are the stop token. Where fewer
    than `beam` distinct sequences exist the rest have a score of minus infinity and
    meaningless tokens.
    """

    tokens: Tensor  # [E, H, P] int64, the best sequence
    score: Tensor  # [E], its score
    beams: Tensor  # [E, beam, H, P] int64, all sequences, best first
    scores: Tensor  # [E, beam], their scores


class History:
    """Keep the tokens of each cut and the row each came from; nothing is moved."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept: list[tuple[Tensor, Tensor]] = []

    def append(self, tokens: Tensor, parents: Tensor) -> None:
        """Add tokens [R, C] whose rows continue the rows `parents` [R] of the last."""
        self._kept.append((tokens, parents))

    def read(self) -> Tensor:
        """Return the sequences [R, cuts, C] that the last rows ended up with."""
        last = self._kept[-1][0]
        rows = torch.arange(len(last), device=last.device)
        found = []
        for tokens, parents in reversed(self._kept):
            found.append(tokens.index_select(0, rows))
            rows = parents.index_select(0, rows)
        return torch.stack(found[::-1], 1)
