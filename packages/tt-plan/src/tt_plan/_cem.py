"""Plan by the cross-entropy method."""

import torch
from torch import Tensor

from tt_plan._action_plan import ActionPlan
from tt_plan._imagine import Bounds, Problem
from tt_plan._interface import DynamicsModel, State
from tt_plan._refine import Rounds, refine


def cem(
    model: DynamicsModel[State],
    state: State,
    bounds: Bounds,
    *,
    horizon: int,
    environments: int = 1,
    samples: int = 512,
    elites: int = 64,
    iterations: int = 6,
    deviation: float = 0.5,
    least_deviation: float = 0.0,
    smoothing: float = 0.1,
    discount: float = 0.99,
    start: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> ActionPlan:
    """Draw sequences of actions, and move to the mean of the best ones; repeat.

    Chua et al. 2018 (PETS), arXiv 1805.12114. A sequence scores sum_t discount^t
    reward_t + discount^H value, H the horizon; only finite scores count.

    Args:
        model: what imagines; it runs without gradients.
        state: its state, of one row for each environment.
        bounds: the lowest and the highest action, [A] each.
        horizon: H, transitions to plan.
        environments: E, rows of the state.
        samples: sequences of each environment and iteration.
        elites: those of them that the mean moves to.
        iterations: times that sequences are drawn.
        deviation: of the first ones, in units of half the box.
        least_deviation: below which it never falls.
        smoothing: share of the old mean and deviation that stays.
        discount: weight of what is one transition further away.
        start: the first mean [E, H, A], such as the `later` of the last plan; without
            it the middle of the box.
        generator: source of randomness, on the device of the bounds.

    Returns:
        The last mean as actions, and the best sequence imagined.

    Raises:
        ValueError: a setting out of its range, shapes that do not fit together, or an
            environment without a sequence of finite score.
    """
    problem = Problem(model, state, bounds, environments, horizon, discount, generator)
    rounds = Rounds(
        samples, elites, iterations, deviation, least_deviation, smoothing, _equally
    )
    return refine(problem, rounds, start)


def _equally(scores: Tensor) -> Tensor:
    """Weigh all finite scores [E, K] alike."""
    return scores.isfinite().to(scores.dtype)
