"""Perceptrons that say how the next observation and the reward are distributed.

Chua et al. 2018 (PETS), arXiv 1805.12114.

Axes: K members, B batch, R rows, Do and Da numbers of an observation and an action, I =
Do + Da inputs, O = Do + 1 outputs.
"""

from itertools import pairwise
from typing import ClassVar, NamedTuple

import attrs
import torch
from attrs.validators import gt
from torch import Tensor, nn
from torch.nn.functional import softplus

from tt_bench.methods.counts import whole
from tt_bench.methods.standardised import StandardisedEnds

_MOST, _LEAST = 0.5, -10.0  # log-variance of a standardised target, to begin with
_BOUND_WEIGHT = 0.01  # of the bounds in the loss, as published


@attrs.frozen
class EnsembleSettings:
    """How the ensemble is trained.

    Attributes:
        steps: Updates.
        members: Models, each of its own bootstrap of the data.
        batch: Transitions of an update, for each member.
        width: Units of a hidden layer.
        layers: Hidden layers.
        learning_rate: Learning rate of Adam.
    """

    option: ClassVar[str] = "ensemble"

    steps: int = attrs.field(default=20_000, validator=whole(1))
    members: int = attrs.field(default=5, validator=whole(1))
    batch: int = attrs.field(default=256, validator=whole(1))
    width: int = attrs.field(default=200, validator=whole(1))
    layers: int = attrs.field(default=3, validator=whole(1))
    learning_rate: float = attrs.field(default=1e-3, validator=gt(0.0))


class Gaussian(NamedTuple):
    """Hold means and variances of what K members say: [K, R, O] each."""

    mean: Tensor
    variance: Tensor


class GaussianEnsemble(StandardisedEnds):
    """Predict the change of the observation, and the reward.

    Inputs and outputs are standardised as the data's are. The log-variance lies softly
    between bounds that are trained too, and move apart at a price.
    """

    def __init__(
        self, inputs: Tensor, targets: Tensor, settings: EnsembleSettings, seed: int
    ) -> None:
        """Draw the weights, for inputs [N, I] and targets [N, O] of the data."""
        super().__init__()
        self.keep_moments(inputs, targets)
        generator = torch.Generator().manual_seed(seed)
        outputs = targets.shape[1]
        hidden = [settings.width] * settings.layers
        sizes = list(pairwise([inputs.shape[1], *hidden, 2 * outputs]))
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for given, made in sizes:
            weight = torch.empty(settings.members, given, made)
            nn.init.trunc_normal_(weight, std=0.5 * given**-0.5, generator=generator)
            self.weights.append(nn.Parameter(weight))
            self.biases.append(nn.Parameter(torch.zeros(settings.members, 1, made)))
        self.most = nn.Parameter(torch.full((outputs,), _MOST))
        self.least = nn.Parameter(torch.full((outputs,), _LEAST))

    @property
    def members(self) -> int:
        """Count the members, K."""
        return len(self.biases[0])

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log-variances [K, R, O] of standardised targets.

        Inputs are [K, R, I], or [1, R, I] for all members.
        """
        x = (inputs - self.input_mean) / self.input_deviation
        x = x.expand(self.members, -1, -1)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            if weight is not self.weights[0]:
                x = nn.functional.silu(x)
            x = torch.baddbmm(bias, x, weight)
        mean, raw = x.chunk(2, -1)
        below = self.most - softplus(self.most - raw)
        return mean, self.least + softplus(below - self.least)

    @torch.no_grad()
    def predict(self, observations: Tensor, actions: Tensor) -> Gaussian:
        """Return what follows observations [R, Do] and actions [R, Da].

        The first Do outputs are of the next observation, the last one of the reward.
        """
        standard, log_variance = self(torch.cat([observations, actions], 1)[None])
        mean = standard * self.target_deviation + self.target_mean
        mean[..., :-1] += observations
        return Gaussian(mean, log_variance.exp() * self.target_deviation.square())


def ensemble_loss(
    ensemble: GaussianEnsemble, inputs: Tensor, targets: Tensor
) -> Tensor:
    """Return the mean negative log-likelihood of [K, B, I] and [K, B, O].

    It is a sum over members and a mean over the rest, without the constant, and has the
    price of the bounds in it.
    """
    mean, log_variance = ensemble(inputs)
    standard = (targets - ensemble.target_mean) / ensemble.target_deviation
    surprise = (standard - mean).square() * (-log_variance).exp() + log_variance
    price = (ensemble.most - ensemble.least).mean()
    loss: Tensor = 0.5 * surprise.mean((1, 2)).sum() + _BOUND_WEIGHT * price
    return loss
