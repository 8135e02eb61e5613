"""Smooth functions of a bin's rank: bins next to one another mean nearly the same."""

import math
from functools import lru_cache

import torch
from torch import Tensor

_COSINES = 8


def rank_features(bins: int, like: Tensor) -> Tensor:
    """Return features [V + 1, M] of the bins and the stop token, as `like` a tensor.

    They are the rank from -1 to 1, cosines of it, and a mark of the stop token, for
    which all others are 0.
    """
    return _features(bins, like.device, like.dtype)


@lru_cache(maxsize=16)
def _features(bins: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False), torch.no_grad():
        share = torch.linspace(0, 1, bins, dtype=torch.float64, device="cpu")
        waves = [torch.cos(math.pi * k * share) for k in range(1, _COSINES + 1)]
        features = share.new_zeros(bins + 1, _COSINES + 2)
        features[:bins, :-1] = torch.stack([2 * share - 1, *waves], 1)
        features[bins, -1] = 1
        return features.to(device, dtype)
