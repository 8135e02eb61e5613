"""Put a trained model, an evaluator and samplers together into a planner."""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from tt_bench.interface import Planner
from tt_bench.methods.action_planner import ActionPlanner
from tt_bench.methods.critic import TrainedCritic
from tt_bench.methods.settings import PlannerSettings
from tt_plan import (
    Advantage,
    Evaluator,
    Expectation,
    Goal,
    Plan,
    Quantile,
    QValue,
    Recorded,
    Sampler,
    SequenceModel,
    beam_search,
    gaussian_kernel,
    likeliest,
    likelihood_search,
    tail_cut,
)
from tt_tokenize import Bins, Layout

_State = TypeVar("_State")


def outcome_evaluator(
    bins: Bins, layout: Layout, settings: PlannerSettings, device: str
) -> Evaluator:
    """Judge by reward and value tokens, or by a goal, as the settings say.

    Raises:
        ValueError: an observation has no such numbers as the goal's.
    """
    middles = torch.tensor(bins.middles, device=device)
    if settings.goal:
        columns = settings.goal_columns or range(len(settings.goal))
        return Goal(settings.goal, middles[layout.observation_slice], columns)
    reward = middles[layout.reward_slice.start]
    value = middles[layout.value_slice.start] if settings.value else None
    if settings.outcome == "quantile":
        return Quantile(settings.quantile, reward, value)
    return Expectation(reward, value)


def critic_evaluator(
    bins: Bins,
    layout: Layout,
    trained: TrainedCritic,
    settings: PlannerSettings,
    *,
    discount: float,
    device: str,
) -> Evaluator:
    """Judge by a critic in place of the value tokens, in the critic's units.

    Raises:
        ValueError: the critic is for other numbers than the tokenizer's.
    """
    sizes = trained.critic.observation_size, trained.critic.action_size
    if sizes != (layout.observation, layout.action):
        raise ValueError(
            f"expected a critic of {layout.observation} observation and "
            f"{layout.action} action numbers, as the tokenizer has, got one of "
            f"{sizes[0]} and {sizes[1]}: train both on one dataset"
        )
    middles = torch.tensor(bins.middles, device=device)
    observation, action = (
        middles[layout.observation_slice],
        middles[layout.action_slice],
    )
    if settings.critic == "advantage":
        return Advantage(trained.critic.q, trained.critic.v, observation, action)
    reward = middles[layout.reward_slice.start]
    return QValue(
        trained.critic.q,
        observation,
        action,
        trained.units.scale * reward + trained.units.shift,
        discount=discount,
    )


def samplers(layout: Layout, settings: PlannerSettings) -> list[Sampler]:
    """Choose how each token of a transition is drawn."""
    observation = _sampler(settings.observation_tail)
    action = _sampler(settings.action_tail)
    return [
        *[observation] * layout.observation,
        *[action] * layout.action,
        *[likeliest()] * (layout.reward + layout.value),
    ]


def _sampler(tail: float | None) -> Sampler:
    return likeliest() if tail is None else tail_cut(tail)


def make_planner(
    model: SequenceModel[_State],
    evaluator: Evaluator,
    bins: Bins,
    layout: Layout,
    settings: PlannerSettings,
    *,
    discount: float,
    device: str,
) -> Planner:
    """Make the planner that the settings ask for."""
    draws = samplers(layout, settings)
    if settings.search in ("cem", "mppi"):
        return ActionPlanner(
            model, evaluator, bins, layout, draws, settings, discount, device
        )
    if settings.search == "likelihood":
        kernels = action_kernels(bins, layout, settings.smoothing, device)
        return likelihood_planner(
            model, layout.width, settings, stop=bins.bins, kernels=kernels
        )
    return beam_planner(
        model, evaluator, draws, settings, discount=discount, stop=bins.bins
    )


def likelihood_planner(
    model: SequenceModel[_State],
    transition: int,
    settings: PlannerSettings,
    *,
    stop: int | None,
    kernels: Sequence[Tensor | None] | None = None,
) -> Planner:
    """Make a planner that does what the data would do; no evaluator is asked."""

    def plan(prefix: Tensor, generator: torch.Generator) -> Plan:
        del generator
        return likelihood_search(
            model,
            prefix,
            transition=transition,
            horizon=settings.horizon,
            beam=settings.beam,
            stop=stop,
            kernels=kernels,
        )

    return Recorded(plan)


def action_kernels(
    bins: Bins, layout: Layout, smoothing: float | None, device: str
) -> list[Tensor | None] | None:
    """Make the kernels [V, V] of action numbers, if they are smoothed.

    A number that is always the same has none.
    """
    if smoothing is None:
        return None
    kernels: list[Tensor | None] = [None] * layout.width
    part = layout.action_slice
    for position in range(part.start, part.stop):
        middles = torch.tensor(bins.middles[position], device=device)
        width = smoothing * float(middles.max() - middles.min())
        kernels[position] = gaussian_kernel(middles, width) if width else None
    return kernels


def beam_planner(
    model: SequenceModel[_State],
    evaluator: Evaluator,
    draws: Sequence[Sampler],
    settings: PlannerSettings,
    *,
    discount: float,
    stop: int | None,
) -> Planner:
    """Make a planner by beam search; `stop` is the token that ends an episode.

    On CUDA a plan is recorded as a graph for each number of environments.
    """

    def plan(prefix: Tensor, generator: torch.Generator) -> Plan:
        return beam_search(
            model,
            prefix,
            evaluator,
            samplers=draws,
            horizon=settings.horizon,
            beam=settings.beam,
            candidates=1 if settings.search == "best-of-n" else settings.candidates,
            discount=discount,
            stop=stop,
            generator=generator,
        )

    return Recorded(plan)
