"""The methods that are compared: each makes an agent from a dataset and settings."""

import copy
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from tt_bench.agents.chunked import ChunkAgent
from tt_bench.agents.simple import FunctionAgent, RandomAgent
from tt_bench.agents.transformer import TransformerAgent
from tt_bench.data.sources import SOURCES, behaviour_policy
from tt_bench.interface import Agent, FloatArray
from tt_bench.methods.cloning import clone
from tt_bench.methods.iql import TrainedCritic, train_critic
from tt_bench.methods.method import Context, Method, Prepared
from tt_bench.methods.planners import (
    beam_planner,
    critic_evaluator,
    outcome_evaluator,
    samplers,
)
from tt_bench.methods.settings import Recipe
from tt_bench.methods.transformer import Trained, train_transformer
from tt_model import Progress
from tt_plan import Evaluator


def _random(context: Context) -> Prepared:
    return Prepared(RandomAgent(context.task.low, context.task.high))


def _behaviour(context: Context) -> Prepared:
    name = context.dataset.name
    return Prepared(behaviour_policy(name) if name in SOURCES else None)


def _bc(context: Context) -> Prepared:
    config = context.recipe.cloning
    began = time.perf_counter()
    with context.track(f"bc seed {context.seed}, training", config.steps) as advance:
        policy = clone(
            context.episodes,
            config,
            seed=context.seed,
            device=context.device,
            on_step=lambda step: advance(step, ""),
        )
    agent = FunctionAgent(policy.act, context.joined.low, context.joined.high)
    return Prepared(
        _stepwise(context, agent), config.steps, time.perf_counter() - began
    )


def _iql(context: Context) -> Prepared:
    trained = find_critic(context)
    critic = trained.critic

    def act(observations: FloatArray) -> FloatArray:
        actions: FloatArray = critic.act(observations).cpu().numpy()
        return actions

    agent = FunctionAgent(act, context.joined.low, context.joined.high)
    return Prepared(_stepwise(context, agent), trained.steps, trained.seconds)


def _tt(context: Context) -> Prepared:
    trained = _transformer(context)
    evaluator = outcome_evaluator(
        trained.bins, trained.layout, context.recipe.planner, context.device
    )
    agent = _planning_agent(context, trained, evaluator)
    return Prepared(_stepwise(context, agent), trained.steps, trained.seconds)


def _tt_and_q(context: Context) -> Prepared:
    critic = find_critic(context)  # the quicker to train, and to be refused, first
    trained = _transformer(context)
    evaluator = critic_evaluator(
        trained.bins,
        trained.layout,
        critic,
        context.recipe.planner,
        discount=context.recipe.discount,
        device=context.device,
    )
    agent = _planning_agent(context, trained, evaluator)
    seconds = trained.seconds + critic.seconds
    return Prepared(_stepwise(context, agent), trained.steps, seconds)


def _stepwise(context: Context, agent: Agent) -> Agent:
    """Execute the actions of an agent that acts in chunks step by step."""
    recipe = context.recipe
    if recipe.chunk == 1:
        return agent
    return ChunkAgent(agent, recipe.chunk, recipe.executed)


def _planning_agent(
    context: Context, trained: Trained, evaluator: Evaluator
) -> TransformerAgent:
    recipe = context.recipe
    model = trained.model
    if recipe.planner.precision == "bf16":
        model = copy.deepcopy(model).bfloat16()
    planner = beam_planner(
        model,
        evaluator,
        samplers(trained.layout, recipe.planner),
        recipe.planner,
        discount=recipe.discount,
        stop=trained.bins.bins,
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


_TRANSFORMER_PARTS = (
    "discount",
    "chunk",
    "termination_reward",
    "tokenizer",
    "model",
    "training",
)


_CRITIC_PARTS = ("discount", "chunk", "critic")
_CLONING_PARTS = ("chunk", "executed", "cloning")
_MODELS = {"transformer": _TRANSFORMER_PARTS, "critic": _CRITIC_PARTS}


def _transformer(context: Context) -> Trained:
    settings = run_settings(context, _TRANSFORMER_PARTS)
    folder = context.store.model_folder("transformer", settings)
    name, steps = f"tt seed {context.seed}, training", context.recipe.training.steps
    with context.track(name, steps) as advance:

        def on_progress(progress: Progress) -> None:
            pace = f"{progress.tokens_per_second:,.0f} tokens/s"
            advance(progress.step, f"loss {progress.loss:.3f}, {pace}")

        return train_transformer(
            context.episodes,
            context.recipe,
            folder,
            seed=context.seed,
            device=context.device,
            on_progress=on_progress,
        )


def find_critic(context: Context) -> TrainedCritic:
    """Train the critic of a context, or load the one trained before."""
    folder = critic_folder(context)
    name, steps = f"iql seed {context.seed}, training", context.recipe.critic.steps
    with context.track(name, steps) as advance:
        return train_critic(
            context.episodes,
            context.joined,
            context.recipe,
            folder,
            seed=context.seed,
            device=context.device,
            on_progress=advance,
        )


def critic_folder(context: Context) -> Path:
    """Name the folder of the critic of a context, and make it."""
    return context.store.model_folder("critic", run_settings(context, _CRITIC_PARTS))


def run_settings(context: Context, parts: tuple[str, ...]) -> dict[str, Any]:
    """Collect the settings that what a method makes depends on."""
    recipe = attrs.asdict(context.recipe)
    chosen = {part: recipe[part] for part in parts}
    return {"data": dict(context.identity), "seed": context.seed, **chosen}


def untrained(context: Context, method: str) -> dict[str, Path]:
    """Name the files of a method's models that are not trained to the end, by kind."""
    files = {
        kind: context.store.model_path(kind, run_settings(context, parts))
        for kind, parts in _MODELS.items()
        if set(parts) <= set(METHODS[method].parts)
    }
    return {kind: file for kind, file in files.items() if not file.exists()}


def _best_tenth(recipe: Recipe) -> Recipe:
    return attrs.evolve(recipe, cloning=attrs.evolve(recipe.cloning, fraction=0.1))


def _equal_widths(recipe: Recipe) -> Recipe:
    uniform = attrs.evolve(recipe.tokenizer, kind="uniform")
    return attrs.evolve(recipe, tokenizer=uniform)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "random": Method(_random, (), False, "uniform random actions"),
        "behaviour": Method(_behaviour, (), False, "what made the data"),
        "bc": Method(_bc, _CLONING_PARTS, True, "behaviour cloning"),
        "bc-10": Method(
            _bc,
            _CLONING_PARTS,
            True,
            "behaviour cloning of the best 10 % of the episodes",
            _best_tenth,
        ),
        "iql": Method(
            _iql, (*_CRITIC_PARTS, "executed"), True, "implicit Q-learning's policy"
        ),
        "tt": Method(
            _tt,
            (*_TRANSFORMER_PARTS, "executed", "planner"),
            True,
            "trajectory transformer, search by reward and value",
        ),
        "tt-uniform": Method(
            _tt,
            (*_TRANSFORMER_PARTS, "executed", "planner"),
            True,
            "the same with bins of equal widths",
            _equal_widths,
        ),
        "tt+q": Method(
            _tt_and_q,
            (*_TRANSFORMER_PARTS, "executed", "planner", "critic"),
            True,
            "trajectory transformer, search by reward and the critic's Q",
        ),
    }
)
"""Every method by the name it has on the command line, in the order of the table."""
