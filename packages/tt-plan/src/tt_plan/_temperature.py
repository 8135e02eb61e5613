"""Flatten or sharpen the distribution before it is sampled."""

import math

import torch
from torch import Tensor

from tt_plan._interface import Sampler


def temperature(degree: float, inner: Sampler) -> Sampler:
    """Make a sampler that gives `inner` the logits divided by `degree`.

    Above 1 flattens, below 1 sharpens. Raises ValueError unless
    0 < degree < infinity.
    """
    if not 0.0 < degree < math.inf:
        raise ValueError(
            f"a temperature is above 0 and finite, but got {degree}; use greedy() for "
            "its lower limit"
        )

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        return inner(logits / degree, count, generator)

    return sample
