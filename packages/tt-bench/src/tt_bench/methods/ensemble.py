"""Train an ensemble of Gaussian models, each on its own bootstrap of the data.

Axes: N transitions, Do and Da numbers of an observation and an action, I = Do + Da
inputs, O = Do + 1 outputs.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from tt_bench.data import Episodes
from tt_bench.methods.gaussian_ensemble import (
    EnsembleSettings,
    GaussianEnsemble,
    ensemble_loss,
)
from tt_bench.methods.method import Context, Network
from tt_bench.methods.resumable import Training, time_training
from tt_bench.methods.tokens import rewards_with_end
from tt_bench.methods.trained import train_network
from tt_critic import descend

_SECONDS_OF_A_STEP = 2.5e-2  # roughly, on a processor core


def as_targets(episodes: Episodes, termination: float | None) -> tuple[Tensor, Tensor]:
    """Return inputs [N, I] and targets [N, O] of all transitions."""
    observations = torch.from_numpy(episodes.observations)
    actions = torch.from_numpy(episodes.actions)
    change = torch.from_numpy(episodes.next_observations()) - observations
    rewards = torch.from_numpy(rewards_with_end(episodes, termination))
    return torch.cat([observations, actions], 1), torch.cat(
        [change, rewards[:, None]], 1
    )


def begin(context: Context) -> Training:
    """Begin to train an ensemble."""
    settings = context.recipe.part(EnsembleSettings)
    data = as_targets(context.episodes, context.recipe.termination_reward)
    return begin_on(*data, settings, seed=context.seed, device=context.device)


def begin_on(
    inputs: Tensor,
    targets: Tensor,
    settings: EnsembleSettings,
    *,
    seed: int,
    device: str,
) -> Training:
    """Begin to train an ensemble on inputs [N, I] and targets [N, O]."""
    ensemble = GaussianEnsemble(inputs, targets, settings, seed).to(device)
    inputs, targets = inputs.to(device), targets.to(device)
    optimizer = torch.optim.Adam(ensemble.parameters(), settings.learning_rate)
    count, members = len(inputs), settings.members
    own = torch.Generator().manual_seed(seed)
    bootstrap = torch.randint(count, (members, count), generator=own).to(device)
    if members == 1:  # there is nobody to differ from
        bootstrap = torch.arange(count, device=device)[None]
    draws = torch.Generator(device).manual_seed(seed)

    def update(_: int) -> Tensor:
        drawn = torch.randint(
            count, (members, settings.batch), generator=draws, device=device
        )
        rows = bootstrap.gather(1, drawn)
        loss = ensemble_loss(ensemble, inputs[rows], targets[rows])
        descend(loss, optimizer)
        return loss.detach()

    return Training({"ensemble": ensemble}, {"adam": optimizer}, draws, update)


class Trained(NamedTuple):
    """A trained ensemble, and what training took."""

    ensemble: GaussianEnsemble
    steps: int
    seconds: float


def find_ensemble(context: Context) -> Trained:
    """Train the ensemble of a context, or load the one trained before."""
    training = begin(context)
    train_network(context, ENSEMBLE, training, "ensemble")
    ensemble = training.modules["ensemble"]
    assert isinstance(ensemble, GaussianEnsemble)
    return Trained(ensemble, training.steps, training.seconds)


def _seconds(context: Context, _peak: float) -> float:
    steps: int = context.recipe.part(EnsembleSettings).steps
    return steps * _SECONDS_OF_A_STEP


ENSEMBLE = Network(
    "ensemble",
    "networks.npz",
    ("chunk", "termination_reward", EnsembleSettings),
    EnsembleSettings,
    lambda _: None,
    lambda context: time_training(begin(context)),
    _seconds,
)
