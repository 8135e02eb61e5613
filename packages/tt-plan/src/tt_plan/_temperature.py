"""Flatten or sharpen the distribution before it is sampled."""

import torch
from torch import Tensor

from tt_plan._interface import Sampler


def temperature(degree: float, inner: Sampler) -> Sampler:
    """Make a sampler that gives `inner` the logits divided by `degree`.

    Above 1 flattens, below 1 sharpens. Raises ValueError unless degree > 0.
    """
    if not degree > 0.0:
        raise ValueError(
            f"a temperature is above 0, but got {degree}; use greedy() for its limit"
        )

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        return inner(logits / degree, count, generator)

    return sample
