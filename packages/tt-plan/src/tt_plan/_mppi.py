"""Plan by model predictive path integral control."""

import torch
from torch import Tensor

from tt_plan._action_plan import ActionPlan
from tt_plan._imagine import Bounds, Problem
from tt_plan._interface import DynamicsModel, Proposal, State
from tt_plan._refine import Guide, Rounds, refine
from tt_plan._validate import check_above_zero, check_counts


def mppi(
    model: DynamicsModel[State],
    state: State,
    bounds: Bounds,
    *,
    horizon: int,
    environments: int = 1,
    samples: int = 512,
    elites: int = 64,
    iterations: int = 6,
    temperature: float = 0.5,
    deviation: float = 0.5,
    least_deviation: float = 0.05,
    proposal: Proposal[State] | None = None,
    proposals: int | None = None,
    inertia: float = 0.0,
    discount: float = 0.99,
    start: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> ActionPlan:
    """Draw sequences of actions, and average them by the exponential of their scores.

    Williams et al. 2015, arXiv 1509.01149; with elites and several iterations as Hansen
    et al. 2022 (TD-MPC), arXiv 2203.04955. With a proposal for all, one iteration and
    all samples as elites it is the search of Argenson & Dulac-Arnold 2021 (MBOP), arXiv
    2008.05556. A sequence scores sum_t discount^t reward_t + discount^H value, H the
    horizon; only finite scores count.

    Args:
        model: what imagines; it runs without gradients.
        state: its state, of one row for each environment.
        bounds: the lowest and the highest action, [A] each.
        horizon: H, transitions to plan.
        environments: E, rows of the state.
        samples: sequences of each environment and iteration.
        elites: the best of them, which are averaged.
        iterations: times that sequences are drawn.
        temperature: of the weights exp(score / temperature), in units of the score.
        deviation: of the first noise, in units of half the box.
        least_deviation: below which it never falls.
        proposal: suggests actions for imagined states, to which noise is added.
        proposals: sequences of each iteration that follow it; all by default.
        inertia: share of the mean in what they do.
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
    check_above_zero("temperature", temperature)

    def by_score(scores: Tensor) -> Tensor:
        return ((scores - scores[:, :1]) / temperature).exp().nan_to_num(nan=0.0)

    problem = Problem(model, state, bounds, environments, horizon, discount, generator)
    rounds = Rounds(
        samples, elites, iterations, deviation, least_deviation, 0.0, by_score
    )
    return refine(problem, rounds, start, _guide(proposal, proposals, samples, inertia))


def _guide(
    proposal: Proposal[State] | None,
    proposals: int | None,
    samples: int,
    inertia: float,
) -> Guide[State] | None:
    """Check what belongs to a proposal."""
    if not 0.0 <= inertia < 1.0:
        raise ValueError(f"inertia must be in [0, 1), but got {inertia}")
    if proposal is None:
        if proposals is not None or inertia:
            raise ValueError(
                "proposals and inertia are for a proposal, but there is none; give one"
            )
        return None
    if not callable(proposal):
        raise ValueError(
            "proposal must be a function of a state and a generator that returns "
            f"actions, but got {proposal!r:.200}"
        )
    count = samples if proposals is None else proposals
    check_counts(proposals=count)
    if count > samples:
        raise ValueError(
            f"proposals must be at most the {samples} samples, got {count}"
        )
    return Guide(proposal, count, inertia)
