"""Imagine with an ensemble, row by row with one member or another.

Axes: R rows, K rows selected, Do and Da numbers of an observation and an action.
"""

from collections.abc import Callable
from typing import NamedTuple

import attrs
import torch
from torch import Tensor

from tt_bench.methods.gaussian_ensemble import GaussianEnsemble


class EnsembleState(NamedTuple):
    """Hold observations [R, Do], and the member [R] that each row keeps, or -1."""

    observations: Tensor
    member: Tensor


def _nothing(observations: Tensor) -> Tensor:
    return torch.zeros_like(observations[:, 0])


@attrs.frozen(eq=False)
class EnsembleDynamics:
    """Imagine with an ensemble, as `tt_plan.DynamicsModel` has it.

    Attributes:
        ensemble: of the models.
        values: of observations [R, Do]: what is left to earn, [R].
        kept: whether a row keeps the member that it draws first, or draws anew at each
            step.
        noise: whether to draw from the Gaussian, or to take its mean.
    """

    ensemble: GaussianEnsemble
    values: Callable[[Tensor], Tensor] = _nothing
    kept: bool = False
    noise: bool = True

    def start(self, observations: Tensor) -> EnsembleState:
        """Begin with observations [R, Do]."""
        none = torch.full((len(observations),), -1, device=observations.device)
        return EnsembleState(observations, none)

    def step(
        self,
        state: EnsembleState,
        actions: Tensor,
        generator: torch.Generator | None,
        /,
    ) -> tuple[EnsembleState, Tensor]:
        """Take actions [R, Da]; the rewards [R] are the mean of all members'."""
        mean, variance = self.ensemble.predict(state.observations, actions)
        member = self._choose(state.member, generator)
        chosen = member[None, :, None].expand(1, -1, mean.shape[2] - 1)
        following = mean[..., :-1].gather(0, chosen)[0]
        if self.noise:
            deviation = variance[..., :-1].gather(0, chosen)[0].sqrt()
            drawn = torch.randn(
                following.shape, generator=generator, device=following.device
            )
            following = following + deviation * drawn
        kept = member if self.kept else torch.full_like(member, -1)
        return EnsembleState(following, kept), mean[..., -1].mean(0)

    def value(self, state: EnsembleState, /) -> Tensor:
        """Return what is left to earn [R]."""
        return self.values(state.observations)

    def select(self, state: EnsembleState, rows: Tensor, /) -> EnsembleState:
        """Return the state of rows [K]."""
        return EnsembleState(state.observations[rows], state.member[rows])

    def _choose(self, member: Tensor, generator: torch.Generator | None) -> Tensor:
        drawn = torch.randint(
            self.ensemble.members,
            member.shape,
            generator=generator,
            device=member.device,
        )
        return torch.where(member < 0, drawn, member)
