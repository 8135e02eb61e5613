"""Networks of an actor and a critic, as modules: V, twin Q, a Gaussian policy.

Axes: B batch, Do numbers of an observation, Da of an action.
"""

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn

from tt_critic._input import seeded, whole, widths
from tt_critic._losses import gaussian_log_probability

LOWEST, HIGHEST = -5.0, 2.0  # log-deviation of the policy
_OUTPUT_GAIN = 0.01


def perceptron(
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    generator: torch.Generator,
    output_gain: float = _OUTPUT_GAIN,
) -> nn.Sequential:
    """Build linear layers with ReLU between them: [B, inputs] -> [B, outputs].

    Weights are orthogonal with gain sqrt(2), the last ones with a small gain, so that
    predictions start near 0; biases are 0.

    Raises:
        ValueError: If a size is no whole number of at least 1.
    """
    first, last = whole(inputs, "inputs", 1), whole(outputs, "outputs", 1)
    inner = widths(hidden)
    modules: list[nn.Module] = []
    for fan_in, fan_out in pairwise((first, *inner, last)):
        gain = 2**0.5 if len(modules) < 2 * len(inner) else output_gain
        linear = nn.Linear(fan_in, fan_out, device="meta").to_empty(device="cpu")
        nn.init.orthogonal_(linear.weight, gain, generator=generator)
        nn.init.zeros_(linear.bias)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


class TwinQ(nn.Module):
    """Estimate Q twice: [B, Do], [B, Da] -> [2, B]."""

    def __init__(
        self,
        observation: int,
        action: int,
        hidden: tuple[int, ...],
        generator: torch.Generator,
        output_gain: float = _OUTPUT_GAIN,
    ) -> None:
        """Draw both networks, for Do and Da numbers."""
        super().__init__()
        inputs = observation + action
        self.first = perceptron(inputs, hidden, 1, generator, output_gain)
        self.second = perceptron(inputs, hidden, 1, generator, output_gain)

    def forward(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return both estimates."""
        pairs = torch.cat([observations, actions], 1)
        return torch.cat([self.first(pairs), self.second(pairs)], 1).mT


class GaussianPolicy(nn.Module):
    """Act by independent Gaussians, as wide in every state: [B, Do] -> mean [B, Da]."""

    def __init__(
        self,
        observation: int,
        action: int,
        hidden: tuple[int, ...],
        generator: torch.Generator,
        output_gain: float = _OUTPUT_GAIN,
        *,
        tanh: bool = False,
    ) -> None:
        """Draw the network of the mean, for Do and Da numbers; deviations are 1.

        With ``tanh`` the mean is that of what the network returns.
        """
        super().__init__()
        self.tanh = tanh
        self.mean = perceptron(observation, hidden, action, generator, output_gain)
        self.log_deviation = nn.Parameter(torch.zeros(action))

    def forward(self, observations: Tensor) -> Tensor:
        """Return the mean action."""
        mean: Tensor = self.mean(observations)
        return torch.tanh(mean) if self.tanh else mean

    def log_probability(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return the log-density of actions: [B, Do], [B, Da] -> [B]."""
        return gaussian_log_probability(actions, self(observations), self.log_deviation)


class Networks(nn.Module):
    """Hold V, twin Q with its slow target, and a policy.

    Attributes:
        observation_size: Do.
        action_size: Da.
        hidden: Widths of the hidden layers.
        value: Perceptron, [B, Do] -> [B, 1]; `v` is the same without the last axis.
        q: Twins.
        target_q: A copy of them that follows slowly.
        policy: Gaussian.
    """

    def __init__(
        self,
        observation: int,
        action: int,
        hidden: tuple[int, ...],
        seed: int = 0,
        *,
        tanh: bool = False,
        output_gain: float = _OUTPUT_GAIN,
    ) -> None:
        """Draw the networks, for Do and Da numbers, with hidden layers so wide.

        `IQLConfig` says what ``tanh`` and ``output_gain`` are.

        Raises:
            ValueError: If a size is no whole number of at least 1, or the seed is none
                that torch takes.
        """
        super().__init__()
        self.observation_size = whole(observation, "observation", 1)
        self.action_size = whole(action, "action", 1)
        self.hidden = widths(hidden)
        generator = seeded(seed)
        self.value = perceptron(observation, self.hidden, 1, generator, output_gain)
        drawn = self.hidden, generator, output_gain
        self.q = TwinQ(observation, action, *drawn)
        self.policy = GaussianPolicy(observation, action, *drawn, tanh=tanh)
        self.target_q = copy.deepcopy(self.q).requires_grad_(False)

    def v(self, observations: Tensor) -> Tensor:
        """Estimate the value of observations: [B, Do] -> [B]."""
        value: Tensor = self.value(observations)
        return value[:, 0]


@torch.no_grad()
def polyak_update(target: nn.Module, source: nn.Module, rate: float) -> None:
    """Move a target's parameters by a share of the way to those of a like module."""
    for old, new in zip(target.parameters(), source.parameters(), strict=True):
        old.lerp_(new, rate)
