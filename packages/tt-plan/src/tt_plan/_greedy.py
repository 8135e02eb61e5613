"""Take the likeliest token."""

import torch
from torch import Tensor

from tt_plan._interface import Sampler
from tt_plan._rows import argmax


def greedy() -> Sampler:
    """Make a sampler that takes the likeliest token, `count` times the same one."""

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        del generator
        tokens = argmax(logits)[:, None]
        return tokens if count == 1 else tokens.repeat(1, count)

    return sample
