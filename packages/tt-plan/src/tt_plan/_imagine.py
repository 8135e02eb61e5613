"""Imagine what sequences of actions earn, and check what a caller hands over.

Axes: E environments, N sequences of each, R = E * N rows, ordered by environment, H
transitions, A numbers of an action.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

import torch
from torch import Tensor

from tt_plan._interface import DynamicsModel, State
from tt_plan._rows import finite_or_least
from tt_plan._validate import check_counts, check_discount

Bounds = tuple[Tensor, Tensor]
_LARGEST = 1e15  # number of an action, whose squares float32 still holds


@dataclass(frozen=True)
class Problem(Generic[State]):
    """Hold what a search over actions looks for: the best from a state of E rows."""

    model: DynamicsModel[State]
    state: State
    bounds: Bounds  # lowest and highest actions, [A] each
    environments: int
    horizon: int
    discount: float
    generator: torch.Generator | None

    def __post_init__(self) -> None:
        """Check the parts by themselves."""
        check_counts(environments=self.environments, horizon=self.horizon)
        check_discount(self.discount)
        check_bounds(self.bounds)

    @property
    def shape(self) -> tuple[int, int, int]:
        """E, H and A."""
        return self.environments, self.horizon, len(self.bounds[0])

    def imagine(
        self, samples: int, choose: Callable[[int, State], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Imagine `samples` sequences of each environment.

        Args:
            samples: N.
            choose: returns the actions [E, N, A] of transition t in a state of R rows.

        Returns:
            The actions [E, N, H, A], and their scores [E, N]: minus infinity where
            they would be no finite number.
        """
        low, high = self.bounds
        rows = torch.arange(self.environments * samples, device=low.device) // samples
        state = self.model.select(self.state, rows)
        total = torch.zeros(len(rows), dtype=torch.float32, device=low.device)
        chosen = []
        for t in range(self.horizon):
            actions = torch.clamp(choose(t, state), low, high)
            chosen.append(actions)
            state, rewards = self.model.step(
                state, actions.flatten(0, 1), self.generator
            )
            total = total + self.discount**t * check_earned("step", rewards, total)
        left = check_earned("value", self.model.value(state), total)
        scores = finite_or_least(total + self.discount**self.horizon * left)
        return torch.stack(chosen, 2), scores.view(self.environments, samples)


def check_bounds(bounds: Bounds) -> None:
    """Raise ValueError unless they are finite and in order: two tensors [A]."""
    parts = [part for part in bounds if isinstance(part, Tensor)]
    if len(bounds) != 2 or len(parts) != 2 or not _are_bounds(*parts):
        raise ValueError(
            "bounds must be the lowest and the highest action, two tensors [A] of one "
            f"floating type, in order and at most {_LARGEST:g}, but got {bounds!r:.200}"
        )


def _are_bounds(low: Tensor, high: Tensor) -> bool:
    if low.ndim != 1 or low.shape != high.shape or len(low) == 0:
        return False
    if low.dtype != high.dtype or not low.is_floating_point():
        return False
    within = (low >= -_LARGEST) & (low <= high) & (high <= _LARGEST)
    return bool(within.all())


def check_start(start: Tensor | None, problem: Problem[State]) -> None:
    """Raise ValueError unless a start is None or finite actions [E, H, A]."""
    if start is None:
        return
    if start.shape != problem.shape or not bool(start.isfinite().all()):
        raise ValueError(
            f"start must be finite actions {list(problem.shape)}, one sequence for "
            f"each environment, but got {start.dtype} {list(start.shape)}; take "
            "`plan.later()` of a plan of as many environments"
        )


def check_earned(method: str, numbers: Tensor, like: Tensor) -> Tensor:
    """Return what a dynamics model says of R rows.

    Raises ValueError unless it is a real number for each of them, on their device.
    """
    if (
        not isinstance(numbers, Tensor)
        or numbers.shape != like.shape
        or numbers.is_complex()
        or numbers.device != like.device
    ):
        got = (
            f"{numbers.dtype} {list(numbers.shape)} on {numbers.device}"
            if isinstance(numbers, Tensor)
            else type(numbers).__name__
        )
        raise ValueError(
            f"`{method}` of the dynamics model must return one real number for each of "
            f"{len(like)} rows, [{len(like)}], on {like.device}, but got {got}"
        )
    return numbers
