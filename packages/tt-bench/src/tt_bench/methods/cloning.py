"""Behaviour cloning: regress the actions of the data on its observations."""

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import Optimizer

from tt_bench.agents import FunctionAgent, check_device
from tt_bench.data import Episodes
from tt_bench.evaluation import whole_seeds
from tt_bench.interface import Agent, working
from tt_bench.methods.cloned_policy import ClonedPolicies, ClonedPolicy
from tt_bench.methods.method import (
    Context,
    Method,
    Prepared,
    run_settings,
    stepwise,
)
from tt_bench.methods.settings import CloningConfig, Recipe
from tt_bench.methods.spent import Clock
from tt_bench.methods.training_log import is_logged
from tt_bench.methods.watch import watched

_SMALLEST_DEVIATION = 1e-3
_PARTS = ("chunk", "cloning")  # of a recipe, that training depends on
_SECONDS_OF_A_STEP = 2.5e-3  # roughly, on any processor


class Cloning(NamedTuple):
    """How far cloning is: steps made, loss of the last one, the policy as it is."""

    step: int
    loss: Tensor
    policy: ClonedPolicy


def best_transitions(episodes: Episodes, fraction: float) -> npt.NDArray[Any]:
    """List the transitions of the `fraction` of episodes that return most."""
    returns = episodes.returns()
    kept = max(1, round(fraction * len(returns)))
    best = np.argsort(-returns, kind="stable")[:kept]
    episode = np.repeat(np.arange(len(returns)), np.diff(episodes.ends, prepend=0))
    return np.flatnonzero(np.isin(episode, best))


def clone(
    episodes: Episodes,
    config: CloningConfig,
    *,
    seed: int,
    device: str | torch.device = "cpu",
    on_step: Callable[[Cloning], None] | None = None,
) -> ClonedPolicy:
    """Train a policy to do what the data does; the same seed gives the same policy.

    Raises:
        ValueError: the seed is no whole number of at least 0, or there is no such
            device.
    """
    observations, actions = _pairs(episodes, config, device)
    (seed,) = whole_seeds([seed])
    policy = _new_policy(observations, actions.shape[1], config.width, seed)
    optimizer = torch.optim.Adam(policy.parameters(), lr=config.learning_rate)
    draws = torch.Generator().manual_seed(seed)

    def loss() -> Tensor:
        rows = _draw(len(actions), config.batch, draws).to(device)
        chosen: Tensor = policy(observations[rows])
        return functional.mse_loss(chosen, actions[rows])

    for step, found in _descend(loss, optimizer, config.steps):
        if on_step is not None:
            on_step(Cloning(step, found, policy))
    return policy


def clone_all(
    episodes: Episodes,
    config: CloningConfig,
    *,
    seeds: Sequence[int],
    device: str | torch.device = "cpu",
    on_step: Callable[[int], None] | None = None,
) -> list[ClonedPolicy]:
    """Train policies of several seeds at once, each as `clone` does but for rounding.

    One batched product a layer serves them all, which small networks gain from.

    Raises:
        ValueError: a seed is no whole number of at least 0, there is none, or there is
            no such device.
    """
    observations, actions = _pairs(episodes, config, device)
    seeds = whole_seeds(seeds)
    if not seeds:
        raise ValueError("expected at least one seed, got none; give one per policy")
    sizes = actions.shape[1], config.width
    policies = [_new_policy(observations, *sizes, seed) for seed in seeds]
    together = ClonedPolicies(policies)
    optimizer = torch.optim.Adam(together.parameters(), config.learning_rate)
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]

    def loss() -> Tensor:
        drawn = [_draw(len(actions), config.batch, own) for own in draws]
        rows = torch.stack(drawn).to(device)  # [S, B]
        chosen: Tensor = together(observations[rows])
        return (chosen - actions[rows]).square().mean((1, 2)).sum()

    for step, _ in _descend(loss, optimizer, config.steps):
        if on_step is not None:
            on_step(step)
    together.copy_to(policies)
    return policies


def _pairs(
    episodes: Episodes, config: CloningConfig, device: str | torch.device
) -> tuple[Tensor, Tensor]:
    """Put the observations [N, Do] and actions [N, Da] to clone on a device."""
    check_device(device)
    rows = best_transitions(episodes, config.fraction)
    observations = torch.from_numpy(episodes.observations[rows]).to(device)
    return observations, torch.from_numpy(episodes.actions[rows]).to(device)


def _draw(count: int, batch: int, generator: torch.Generator) -> Tensor:
    return torch.randint(count, (batch,), generator=generator)


def _descend(
    loss: Callable[[], Tensor], optimizer: Optimizer, steps: int
) -> Iterator[tuple[int, Tensor]]:
    """Follow a loss, with a rate that falls along a cosine; yield each step's loss."""
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(1, steps + 1):
        found = loss()
        optimizer.zero_grad()
        torch.autograd.backward(found)
        optimizer.step()
        cosine.step()
        yield step, found.detach()


def _new_policy(
    observations: Tensor, action: int, width: int, seed: int
) -> ClonedPolicy:
    """Initialise from the seed alone, leaving the global generator as it was."""
    mean = observations.mean(0)
    deviation = observations.std(0, correction=0).clamp_min(_SMALLEST_DEVIATION)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = ClonedPolicy(mean.cpu(), deviation.cpu(), action, width)
    return policy.to(observations.device)


def _bc(context: Context) -> Prepared:
    config, name = context.recipe.cloning, f"bc seed {context.seed}, training"
    folder = context.store.model_folder("bc", run_settings(context, _PARTS))
    watch, clock = watched(context, partial(_agent, context)), Clock(0.0)

    def look(cloning: Cloning) -> None:
        step, loss, policy = cloning
        with clock.stopped() as seconds:
            scores = watch.scores(step, step - 1, partial(copy.deepcopy, policy))
            if scores or is_logged(step, step - 1, config.steps):
                row = {"seconds": seconds, "loss": float(loss)}
                log.write(step, {**row, **scores})
            advance(step, "")

    with (
        working(context.notify, name, config.steps) as advance,
        watch.opened(folder, ("loss",)) as log,
    ):
        policy = clone(
            context.episodes,
            config,
            seed=context.seed,
            device=context.device,
            on_step=look,
        )
    return Prepared(_agent(context, policy), config.steps, clock.seconds())


def _agent(context: Context, policy: ClonedPolicy) -> Agent:
    agent = FunctionAgent(policy.act, context.joined.low, context.joined.high)
    return stepwise(context, agent)


def _best_tenth(recipe: Recipe) -> Recipe:
    return attrs.evolve(recipe, cloning=attrs.evolve(recipe.cloning, fraction=0.1))


def _seconds(context: Context, _episodes: int, _peak: float) -> float:
    return context.recipe.cloning.steps * _SECONDS_OF_A_STEP


BC = Method(
    _bc,
    "behaviour cloning",
    parts=("chunk", "executed", "cloning"),
    published_as=lambda _: "BC",
    seconds=_seconds,
)
BC_10 = BC._replace(
    title="behaviour cloning of the best 10 % of the episodes",
    published_as=lambda _: "10% BC",
    adapt=_best_tenth,
)
