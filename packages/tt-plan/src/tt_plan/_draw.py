"""Draw tokens from the likely part of a distribution, by inverting its cumulative sum.

Exact up to float32 rounding, one uniform number a token, no wait for the device.
"""

import torch
from torch import Tensor

from tt_plan._rows import first_above

ALMOST_ONE = 1.0 - 2.0**-24
"""The largest float32 below 1; times any normal float32 it rounds to less than it."""


def draw_above(
    weights: Tensor,
    threshold: Tensor,
    count: int,
    generator: torch.Generator | None,
) -> Tensor:
    """Draw `count` tokens a row among those that weigh at least `threshold`.

    Args:
        weights: [R, W] float32, proportional to probabilities.
        threshold: [R, 1], at most the largest weight of its row.
        count: tokens for each row, drawn independently.
        generator: where the randomness comes from.

    Returns:
        int64 tokens [R, count].
    """
    sums = weights.clone().ge_(threshold).mul_(weights).cumsum(-1)  # [R, W]
    shape = (len(sums), count)
    uniform = torch.rand(shape, generator=generator, device=sums.device)  # < 1
    return first_above(sums, uniform * sums[:, -1:])  # never a token of no weight
