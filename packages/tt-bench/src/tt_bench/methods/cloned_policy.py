"""Policies that clone: one, or several that are evaluated together.

Axes: S policies, B batch, Do numbers of an observation, Da of an action.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tt_bench.interface import FloatArray


class ClonedPolicy(nn.Module):
    """Two hidden layers from observations to the mean action."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor, action: int, width: int):
        """Build for observations of the given mean and deviation [Do]."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.layers = nn.Sequential(
            nn.Linear(len(mean), width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, action),
        )

    def forward(self, observations: Tensor) -> Tensor:
        """Map observations [..., Do] to actions [..., Da]."""
        actions: Tensor = self.layers(self.standardised(observations))
        return actions

    def standardised(self, observations: Tensor) -> Tensor:
        """Return observations [..., Do] in deviations from the mean."""
        return (observations - self.mean) / self.deviation

    @torch.no_grad()
    def act(self, observations: FloatArray) -> FloatArray:
        """Map observations [E, Do] to actions [E, Da], as arrays."""
        given = torch.from_numpy(np.ascontiguousarray(observations))
        actions: Tensor = self(given.to(self.mean.device))
        return actions.cpu().numpy()


class ClonedPolicies(nn.Module):
    """Several policies of the same data and widths, a batched product a layer."""

    def __init__(self, policies: Sequence[ClonedPolicy]):
        """Start from the weights of policies, which are left alone."""
        super().__init__()
        self._standardised = policies[0].standardised
        own = zip(*(policy.layers.parameters() for policy in policies), strict=True)
        self.layers = nn.ParameterList(torch.stack(part).detach() for part in own)

    def forward(self, observations: Tensor) -> Tensor:
        """Map observations [S, B, Do] to actions [S, B, Da]."""
        values = self._standardised(observations)
        weights, biases = self.layers[::2], self.layers[1::2]
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            below = values.relu() if index else values
            values = torch.baddbmm(bias[:, None], below, weight.mT)
        return values

    @torch.no_grad()
    def copy_to(self, policies: Sequence[ClonedPolicy]) -> None:
        """Give policies the weights."""
        for row, policy in enumerate(policies):
            for index, own in enumerate(policy.layers.parameters()):
                own.copy_(self.layers[index][row])
