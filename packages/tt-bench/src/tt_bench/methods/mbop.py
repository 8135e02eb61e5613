"""Plan with a model of feed-forward networks that was learned from the data.

Argenson & Dulac-Arnold 2021 (MBOP), arXiv 2008.05556: a cloned policy proposes actions
in imagined states, noise is added, and the sequences are averaged by the exponential of
their return, with a learned value at the end. Two things are different here. The model
is an ensemble of Gaussians, of which means are taken; and policy and value are one
network each, of the observation alone, the value that of the whole discounted return.

Axes: R rows, E environments, Do and Da numbers of an
observation and an action, H transitions of a plan.
"""

from functools import partial
from typing import ClassVar

import attrs
import torch
from attrs.validators import ge, gt, le, lt
from torch import Tensor, nn

from tt_bench.agents import ContinuingAgent
from tt_bench.methods.counts import whole
from tt_bench.methods.ensemble import ENSEMBLE, find_ensemble
from tt_bench.methods.ensemble_dynamics import EnsembleDynamics, EnsembleState
from tt_bench.methods.guides import GUIDES, find_guides
from tt_bench.methods.method import Context, Method, Prepared, stepwise
from tt_plan import ActionPlan, mppi

_SECONDS_OF_A_PLAN = 3e-4  # of one imagined transition of 100 rows


@attrs.frozen
class MBOPSettings:
    """How it plans.

    Attributes:
        horizon: Transitions of a plan.
        samples: Sequences that are averaged.
        temperature: Of their weights exp(return / temperature).
        noise: Deviation of what is added to a proposal, of half the actions' range.
        inertia: Share of the last plan in what a sequence does.
    """

    option: ClassVar[str] = "mbop"

    horizon: int = attrs.field(default=8, validator=whole(1))
    samples: int = attrs.field(default=100, validator=whole(1))
    temperature: float = attrs.field(default=1.0, validator=gt(0.0))
    noise: float = attrs.field(default=0.1, validator=[ge(0.0), le(1.0)])
    inertia: float = attrs.field(default=0.2, validator=[ge(0.0), lt(1.0)])


def plan_actions(
    dynamics: EnsembleDynamics,
    policy: nn.Module,
    settings: MBOPSettings,
    bounds: tuple[Tensor, Tensor],
    discount: float,
    observations: Tensor,
    start: Tensor | None,
    generator: torch.Generator,
) -> ActionPlan:
    """Plan from observations [E, Do], and actions [E, H, Da] to start from."""

    def propose(state: EnsembleState, _: torch.Generator | None, /) -> Tensor:
        proposed: Tensor = policy(state.observations)
        return proposed

    return mppi(
        dynamics,
        dynamics.start(observations),
        bounds,
        horizon=settings.horizon,
        environments=len(observations),
        samples=settings.samples,
        elites=settings.samples,
        iterations=1,
        temperature=settings.temperature,
        deviation=settings.noise,
        least_deviation=0.0,
        proposal=propose,
        inertia=0.0 if start is None else settings.inertia,
        discount=discount,
        start=start,
        generator=generator,
    )


def _mbop(context: Context) -> Prepared:
    guides, trained = find_guides(context), find_ensemble(context)
    settings, task = context.recipe.part(MBOPSettings), context.joined

    def value(observations: Tensor) -> Tensor:
        earned: Tensor = guides.value(observations)[:, 0]
        return earned

    bounds = [torch.from_numpy(end).to(context.device) for end in (task.low, task.high)]
    search = partial(
        plan_actions,
        EnsembleDynamics(trained.ensemble, value, kept=True, noise=False),
        guides.policy,
        settings,
        (bounds[0], bounds[1]),
        context.recipe.discount,
    )
    agent = ContinuingAgent(
        search, settings.horizon, task.low, task.high, context.device
    )
    steps, seconds = trained.steps, trained.seconds + guides.seconds
    return Prepared(stepwise(context, agent), steps, seconds)


def _planning_seconds(context: Context, episodes: int, _peak: float) -> float:
    settings = context.recipe.part(MBOPSettings)
    imagined = settings.horizon * settings.samples / 100 * context.joined.steps
    return float(episodes * imagined * _SECONDS_OF_A_PLAN)


MBOP = Method(
    _mbop,
    "feed-forward model, search around a cloned policy",
    networks=(ENSEMBLE, GUIDES),
    parts=("executed", "discount", MBOPSettings),
    published_as=lambda _: "MBOP",
    seconds=_planning_seconds,
)
