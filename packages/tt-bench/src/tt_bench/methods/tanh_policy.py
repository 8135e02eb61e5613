"""A Gaussian policy through a tanh, as soft actor-critics have (arXiv 1801.01290).

Axes: B batch, K actions for a state, Do observation numbers, Da action numbers.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from tt_bench.methods.standardised import Standardised
from tt_critic import perceptron

_LOWEST, _HIGHEST = -20.0, 2.0  # log-deviation
_FIRST = -1.0  # of a fresh policy


class Drawn(NamedTuple):
    """Actions [K, B, Da] and their log-densities [K, B]."""

    actions: Tensor
    densities: Tensor


class Policy(Standardised):
    """Act by the tanh of a Gaussian: [B, Do] -> [K, B, Da]."""

    def __init__(
        self, data: Tensor, size: int, hidden: tuple[int, ...], draws: torch.Generator
    ) -> None:
        """Draw the network; observations are standardised as the data's [N, Do] are."""
        super().__init__()
        seen = data.cpu()
        self.network = perceptron(seen.shape[1], hidden, 2 * size, draws)
        self.keep_moments(seen)

    def gaussian(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-deviation before the tanh: [B, Da] each."""
        mean, spread = self.network(self.standardise(observations)).chunk(2, 1)
        return mean, (spread + _FIRST).clamp(_LOWEST, _HIGHEST)

    def act(self, observations: Tensor) -> Tensor:
        """Return the likeliest actions before the tanh, through it: [B, Da]."""
        return self.gaussian(observations)[0].tanh()

    def draw(self, observations: Tensor, noise: Tensor) -> Drawn:
        """Turn noise [K, B, Da] of deviation 1 into actions, with log-densities."""
        mean, log_deviation = self.gaussian(observations)
        inner = mean + log_deviation.exp() * noise
        density = -0.5 * (noise.square() + math.log(2 * math.pi)) - log_deviation
        # log(1 - tanh(x)^2), without overflow
        slope = 2 * (math.log(2) - inner - functional.softplus(-2 * inner))
        return Drawn(inner.tanh(), (density - slope).sum(-1))
