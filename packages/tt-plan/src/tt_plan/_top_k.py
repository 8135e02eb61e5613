"""Sample from the k likeliest tokens."""

from numbers import Integral

import torch
from torch import Tensor

from tt_plan._draw import draw_above
from tt_plan._interface import Sampler
from tt_plan._rows import ascending, weights


def top_k(k: int) -> Sampler:
    """Make a sampler of the `k` likeliest tokens, in proportion to their probability.

    Tokens as likely as the k-th are taken too, and all tokens where there are fewer
    than `k`. Raises ValueError unless k is a whole number of at least 1.
    """
    if not isinstance(k, Integral) or k < 1:
        raise ValueError(
            f"top_k keeps a whole number of tokens, at least 1, but got {k!r}; "
            "nucleus() keeps a share of the probability"
        )

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        likely = weights(logits.float())
        place = max(0, logits.shape[-1] - k)
        threshold = ascending(likely)[:, place : place + 1]
        return draw_above(likely, threshold, count, generator)

    return sample
