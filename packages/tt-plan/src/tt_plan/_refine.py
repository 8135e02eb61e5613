"""Refine a Gaussian over sequences of actions, round by round.

In each round every environment imagines sequences drawn around its mean, and the mean
and the deviation move to those of the best sequences, as they are weighed. Actions are
clipped to their box as they are drawn. The first sequence of a round is drawn without
noise: the mean, or what a proposal says.

Axes: E environments, N sequences of each, K elites among them, H transitions, A numbers
of an action.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

import torch
from torch import Tensor

from tt_plan._action_plan import ActionPlan
from tt_plan._best_actions import best_of, check_found
from tt_plan._imagine import Problem, check_start
from tt_plan._interface import Proposal, State
from tt_plan._validate import check_counts

_WIDEST = 1e3  # deviation, in units of half the box: all that is drawn is at its sides


@dataclass(frozen=True)
class Guide(Generic[State]):
    """Let a proposal choose the actions of the first sequences."""

    proposal: Proposal[State]
    sequences: int  # that it chooses
    inertia: float  # share of the mean in what it chooses

    def __call__(
        self,
        free: Tensor,
        noise: Tensor,
        mean: Tensor,
        state: State,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Return actions [E, N, A]: those that are free but for the first ones."""
        proposed = self.proposal(state, generator)
        wanted = free.flatten(0, 1).shape
        if proposed.shape != wanted:
            raise ValueError(
                f"the proposal must return actions {list(wanted)}, one for each row of "
                f"the state, but their shape is {list(proposed.shape)}"
            )
        if bool(proposed.isnan().any()):
            raise ValueError(
                "the proposal must return numbers as actions, but some are NaN; look "
                "at what it makes of imagined states"
            )
        guided = proposed.view_as(free) + noise
        guided = torch.lerp(guided, mean.expand_as(guided), self.inertia)
        return torch.cat([guided[:, : self.sequences], free[:, self.sequences :]], 1)


@dataclass(frozen=True)
class Rounds:
    """Say how a search refines; deviations are in units of half the box."""

    samples: int
    elites: int
    iterations: int
    deviation: float
    least_deviation: float
    smoothing: float
    weigh: Callable[
        [Tensor], Tensor
    ]  # scores [E, K] -> weights, 0 where none is finite

    def __post_init__(self) -> None:
        """Check each setting, and those that belong together."""
        counts = {"samples": self.samples, "elites": self.elites}
        check_counts(**counts, iterations=self.iterations)
        if self.elites > self.samples:
            raise ValueError(
                f"elites must be at most the {self.samples} samples, but got "
                f"{self.elites}"
            )
        if not 0.0 <= self.least_deviation <= self.deviation <= _WIDEST:
            raise ValueError(
                f"deviation and least_deviation must be from 0 to {_WIDEST:g}, and the "
                "least one at most the first, but got "
                f"{self.deviation} and {self.least_deviation}"
            )
        if not 0.0 <= self.smoothing < 1.0:
            raise ValueError(f"smoothing must be in [0, 1), but got {self.smoothing}")


def refine(
    problem: Problem[State],
    rounds: Rounds,
    start: Tensor | None,
    guide: Guide[State] | None = None,
) -> ActionPlan:
    """Refine from a start, or from the middle of the box; return the last mean.

    Raises:
        ValueError: as the planners do.
    """
    check_start(start, problem)
    with torch.no_grad():
        plan = _search(problem, rounds, start, guide)
    check_found(plan.score)
    return plan


def _search(
    problem: Problem[State],
    rounds: Rounds,
    start: Tensor | None,
    guide: Guide[State] | None,
) -> ActionPlan:
    low, high = problem.bounds
    half = (high - low) / 2
    middle = ((low + high) / 2).expand(problem.shape)
    mean = middle if start is None else start.to(low).clamp(low, high)
    deviation = (rounds.deviation * half).expand(problem.shape)
    best, score = mean, torch.full_like(mean[:, 0, 0], -torch.inf, dtype=torch.float32)
    for _ in range(rounds.iterations):
        actions, scores = _imagine(problem, rounds.samples, mean, deviation, guide)
        found, height = best_of(actions, scores)
        best = torch.where((height > score)[:, None, None], found, best)
        score = torch.maximum(score, height)
        elite, index = scores.topk(rounds.elites, dim=1)
        actions = actions.take_along_dim(index[..., None, None], 1)
        mean, deviation = _move(mean, deviation, actions, rounds.weigh(elite), rounds)
        mean = mean.clamp(low, high)  # which rounding may leave
        deviation = torch.maximum(deviation, rounds.least_deviation * half)
    return ActionPlan(mean, best, score)


def _imagine(
    problem: Problem[State],
    samples: int,
    mean: Tensor,
    deviation: Tensor,
    guide: Guide[State] | None,
) -> tuple[Tensor, Tensor]:
    """Imagine sequences drawn around a mean [E, H, A]."""
    environments, horizon, numbers = problem.shape
    noise = torch.randn(
        (environments, samples, horizon, numbers),
        generator=problem.generator,
        dtype=mean.dtype,
        device=mean.device,
    )
    noise[:, 0] = 0.0
    noise *= deviation[:, None]

    def choose(t: int, state: State) -> Tensor:
        middle, apart = mean[:, None, t], noise[:, :, t]
        if guide is None:
            return middle + apart
        return guide(middle + apart, apart, middle, state, problem.generator)

    return problem.imagine(samples, choose)


def _move(
    mean: Tensor, deviation: Tensor, actions: Tensor, weights: Tensor, rounds: Rounds
) -> tuple[Tensor, Tensor]:
    """Move mean and deviation [E, H, A] to those of actions [E, K, H, A].

    Where all weights [E, K] are 0, as no score is finite, both stay.
    """
    known = weights.sum(1) > 0.0
    shares = weights / weights.sum(1, keepdim=True).clamp_min(1e-30)
    shares = shares.to(actions)[..., None, None]
    middle = (shares * actions).sum(1)
    spread = (shares * (actions - middle[:, None]).square()).sum(1).sqrt()
    moved = torch.where(known[:, None, None], middle, mean)
    spread = torch.where(known[:, None, None], spread, deviation)
    kept = rounds.smoothing
    return torch.lerp(moved, mean, kept), torch.lerp(spread, deviation, kept)
