"""Take the most likely tokens, each once."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from tt_plan._interface import Sampler


def likeliest() -> Sampler:
    """Make a sampler that takes the `count` likeliest tokens, distinct, best first.

    Where fewer than `count` tokens are possible the remaining slots are -1 (empty).
    """

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        del generator
        if count == 1:  # topk would sort for one token
            best, token = logits.max(-1, keepdim=True)
            return token.masked_fill(best == -torch.inf, -1)
        width = min(count, logits.shape[-1])
        best, tokens = logits.topk(width, dim=-1)
        tokens = tokens.masked_fill(best == -torch.inf, -1)
        return pad(tokens, (0, count - width), value=-1)

    return sample
