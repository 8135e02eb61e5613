"""Row-wise arithmetic that samplers and evaluators share, quick for small rows.

A plan does each of these hundreds of times on a few hundred rows, where it matters on a
CPU how the work is done. NumPy's argmax and sort are vectorised and take a third to a
tenth of torch's time. Torch's softmax, exp and searchsorted split even such small work
between threads, and then wait for milliseconds whenever another process holds a core;
exp2 and comparisons into floats do not.

Axes: R rows, W entries of a row, K limits of a row.
"""

from math import e, isfinite, log2

import numpy as np
import torch
from torch import Tensor


def unnormalized(logits: Tensor) -> Tensor:
    """Return probabilities [R, W] up to a factor a row: the likeliest has 1."""
    return (logits - logits.amax(-1, keepdim=True)).mul_(log2(e)).exp2_()


def possible(tokens: Tensor, best: Tensor) -> Tensor:
    """Return tokens [R, K] with -1 in rows whose `best` [R, 1] is NaN or infinite.

    On a CPU, which does not wait for a number, one sum says that there are none.
    """
    if best.device.type == "cpu" and isfinite(best.sum().item()):
        return tokens
    return tokens.masked_fill(best.sub(best).ne(0.0), -1)


def finite_or_least(values: Tensor) -> Tensor:
    """Return values with minus infinity in the place of NaN and plus infinity."""
    least = -torch.inf
    return values.nan_to_num(nan=least, posinf=least, neginf=least)


def argmax(values: Tensor) -> Tensor:
    """Return the index [R] of the largest of each row [R, W], the first of equals."""
    if values.device.type == "cpu" and values.dtype == torch.float32:
        return torch.from_numpy(values.detach().numpy().argmax(-1))
    return values.argmax(-1)


def ascending(values: Tensor) -> Tensor:
    """Sort each row [R, W] of float32 from small to large."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.detach().numpy(), axis=-1))
    return values.sort(dim=-1).values


def first_above(sums: Tensor, limits: Tensor) -> Tensor:
    """Return the first index [R, K] at which each limit is exceeded.

    `sums` [R, W] ascend, and `limits` [R, K] are below the last of their row.
    """
    within = sums.new_empty(*limits.shape, sums.shape[1])  # [R, K, W], 0 or 1
    torch.le(sums[:, None], limits[..., None], out=within)
    return within.sum(-1).long()
