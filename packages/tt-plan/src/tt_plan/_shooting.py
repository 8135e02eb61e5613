"""Imagine random sequences of actions and take the best."""

import torch
from torch import Tensor

from tt_plan._action_plan import ActionPlan
from tt_plan._best_actions import best_of, check_found
from tt_plan._imagine import Bounds, Problem, check_start
from tt_plan._interface import DynamicsModel, State
from tt_plan._validate import check_counts


def random_shooting(
    model: DynamicsModel[State],
    state: State,
    bounds: Bounds,
    *,
    horizon: int,
    environments: int = 1,
    samples: int = 4096,
    discount: float = 0.99,
    start: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> ActionPlan:
    """Draw sequences of actions evenly from the box and take the best.

    A sequence scores sum_t discount^t reward_t + discount^H value, H the horizon.

    Args:
        model: what imagines; it runs without gradients.
        state: its state, of one row for each environment.
        bounds: the lowest and the highest action, [A] each.
        horizon: H, transitions to plan.
        environments: E, rows of the state.
        samples: sequences of each environment.
        discount: weight of what is one transition further away.
        start: actions [E, H, A] that are imagined too, such as the `later` of a plan.
        generator: source of randomness, on the device of the bounds.

    Raises:
        ValueError: a setting out of its range, shapes that do not fit together, or an
            environment without a sequence of finite score.
    """
    problem = Problem(model, state, bounds, environments, horizon, discount, generator)
    check_counts(samples=samples)
    check_start(start, problem)
    with torch.no_grad():
        sequences = _draw(problem, samples, start)
        actions, scores = problem.imagine(samples, lambda t, _: sequences[:, :, t])
        best, score = best_of(actions, scores)
    check_found(score)
    return ActionPlan(best, best, score)


def _draw(problem: Problem[State], samples: int, start: Tensor | None) -> Tensor:
    """Draw sequences [E, N, H, A]; the start is the first of them."""
    low, high = problem.bounds
    environments, horizon, numbers = problem.shape
    shape = (environments, samples, horizon, numbers)
    even = torch.rand(
        shape, generator=problem.generator, dtype=low.dtype, device=low.device
    )
    sequences = low + (high - low) * even
    if start is not None:
        sequences[:, 0] = start
    return sequences
