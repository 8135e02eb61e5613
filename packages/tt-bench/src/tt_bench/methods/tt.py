"""The trajectory transformer as a planner: by value tokens, or by a critic's Q."""

import copy
from collections.abc import Mapping
from typing import Any

import attrs

from tt_bench.agents import TransformerAgent
from tt_bench.interface import Agent
from tt_bench.methods.costs import planning_operations
from tt_bench.methods.critic import CRITIC, find_critic
from tt_bench.methods.method import Context, Method, Prepared, stepwise
from tt_bench.methods.planners import (
    critic_evaluator,
    make_planner,
    outcome_evaluator,
)
from tt_bench.methods.settings import Recipe
from tt_bench.methods.transformer import TRANSFORMER, Trained, find_transformer
from tt_model import Decoder
from tt_plan import Evaluator

_PLANNING_SHARE = 0.2  # of the matmul peak that planning reaches


def _tt(context: Context) -> Prepared:
    def make_agent(trained: Trained) -> Agent:
        evaluator = outcome_evaluator(
            trained.bins, trained.layout, context.recipe.planner, context.device
        )
        return stepwise(context, _planning_agent(context, trained, evaluator))

    trained = find_transformer(context, make_agent)
    return Prepared(make_agent(trained), trained.steps, trained.seconds)


def _tt_and_q(context: Context) -> Prepared:
    critic = find_critic(context)  # the quicker to train, and to be refused, first

    def make_agent(trained: Trained) -> Agent:
        evaluator = critic_evaluator(
            trained.bins,
            trained.layout,
            critic,
            context.recipe.planner,
            discount=context.recipe.discount,
            device=context.device,
        )
        return stepwise(context, _planning_agent(context, trained, evaluator))

    trained = find_transformer(context, make_agent)
    seconds = trained.seconds + critic.seconds
    return Prepared(make_agent(trained), trained.steps, seconds)


def _planning_agent(
    context: Context, trained: Trained, evaluator: Evaluator
) -> TransformerAgent:
    recipe = context.recipe
    model = trained.model
    if recipe.planner.precision == "bf16":
        model = copy.deepcopy(model).bfloat16()
    planner = make_planner(
        Decoder(model),
        evaluator,
        trained.bins,
        trained.layout,
        recipe.planner,
        discount=recipe.discount,
        device=context.device,
    )
    return TransformerAgent(
        trained.bins,
        trained.layout,
        planner,
        context=recipe.planner.context,
        low=context.joined.low,
        high=context.joined.high,
        plan_every=recipe.planner.every,
        device=context.device,
    )


def planning_seconds(context: Context, episodes: int, peak: float) -> float:
    """Guess the seconds of planning in the episodes of a run."""
    recipe, seen = context.recipe, context.episodes
    width = seen.observations.shape[1] + seen.actions.shape[1] + 2
    plans = -(-context.task.steps // (recipe.executed * recipe.planner.every))
    work = planning_operations(recipe, seen.observations.shape[1], width)
    return episodes * plans * work / (_PLANNING_SHARE * peak)


def _equal_widths(recipe: Recipe) -> Recipe:
    uniform = attrs.evolve(recipe.tokenizer, kind="uniform")
    return attrs.evolve(recipe, tokenizer=uniform)


def _published(settings: Mapping[str, Any]) -> str:
    return f"TT ({settings['tokenizer']['kind']})"


TT = Method(
    _tt,
    "trajectory transformer, search by reward and value",
    networks=(TRANSFORMER,),
    parts=("executed", "planner"),
    published_as=_published,
    seconds=planning_seconds,
)
TT_UNIFORM = TT._replace(
    title="the same with bins of equal widths", adapt=_equal_widths
)
TT_AND_Q = Method(
    _tt_and_q,
    "trajectory transformer, search by reward and the critic's Q",
    networks=(TRANSFORMER, CRITIC),
    parts=("executed", "planner"),
    published_as=lambda _: "TT+Q",
    seconds=planning_seconds,
)
