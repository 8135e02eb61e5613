"""Which rows have a beginning in common, so that it is read once.

Axes: R rows, T tokens, U different prefixes of a length.
"""

from collections.abc import Iterator

import attrs
import torch
from torch import Tensor


@attrs.frozen(eq=False)
class Prefixes:
    """Say how to read rows of tokens [R, T] without reading a prefix twice.

    Attributes:
        begun: What to begin with, [U, t].
        rest: For each token that follows, the prefixes [U] that go on and their
            tokens [U], a prefix again for each way that it goes on.
        rows: The prefix of all T tokens that each row is, [R].
    """

    begun: Tensor
    rest: Iterator[tuple[Tensor, Tensor]]
    rows: Tensor


def find_prefixes(tokens: Tensor, *, least: int) -> Prefixes:
    """Find the different prefixes of rows [R, T].

    They begin with as many tokens as have no more than `least` prefixes, padding of -1
    among them, which ends where a transition does.
    """
    found: tuple[Tensor, Tensor] = torch.unique(tokens, dim=0, return_inverse=True)
    ordered, rows = found  # lexicographically
    differs = ordered[1:] != ordered[:-1]
    new = torch.ones_like(ordered, dtype=torch.bool)  # a prefix that none before it is
    new[1:] = differs.cumsum(1) > 0
    padded = int((tokens < 0).sum(1).max())
    begun = max(1, padded, int((new.sum(0) <= least).sum()))
    first = ordered[new[:, begun - 1], :begun]
    return Prefixes(first, _go_on(ordered, new, begun), rows)


def _go_on(ordered: Tensor, new: Tensor, begun: int) -> Iterator[tuple[Tensor, Tensor]]:
    numbers = new.cumsum(0) - 1  # of the prefix that a row has at each length
    for index in range(begun, ordered.shape[1]):
        found = new[:, index]
        yield numbers[found, index - 1], ordered[found, index]
