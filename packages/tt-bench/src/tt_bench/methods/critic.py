"""Train a critic on a dataset, or find the one trained before."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import attrs
import numpy as np

import tt_critic
from tt_bench.data import Episodes
from tt_bench.files import make_once, read_facts, remade_if_deleted, write_json
from tt_bench.interface import Agent, working
from tt_bench.methods.costs import critic_operations
from tt_bench.methods.method import (
    Context,
    Network,
    model_folder,
)
from tt_bench.methods.pace import Pace, time_steps
from tt_bench.methods.settings import Recipe
from tt_bench.methods.spent import Clock, read_seconds, read_spent
from tt_bench.methods.task import Task
from tt_bench.methods.watch import Watch, watched
from tt_critic import Critic, IQLConfig, Transitions, locomotion_rewards

_CRITIC, _NOTES = "critic.safetensors", "training.json"
_CHECKPOINT, _SPENT = "checkpoint.safetensors", "spent.json"
_LOSSES = ("value_loss", "q_loss", "policy_loss")
_REPORTS = 100  # of the progress, in a whole training
_CHECKPOINT_EVERY = 2_000
_MOST_UPDATES = 200_000  # of a trial
_SHARE = 0.5  # of the matmul peak that an update reaches
_LEAST = 2.5e-4  # seconds of an update, however fast the machine


class Units(NamedTuple):
    """The critic's rewards: `scale` times the data's rewards, plus `shift`."""

    scale: float
    shift: float


class TrainedCritic(NamedTuple):
    """A trained critic, the units of its Q, and what training took."""

    critic: Critic
    units: Units
    steps: int
    seconds: float


def reward_units(episodes: Episodes, kind: str) -> Units:
    """Return the units that the recipe's kind of rewards means for this data."""
    if kind == "minus-one":
        return Units(1.0, -1.0)
    if kind == "spread":
        scaled = locomotion_rewards(episodes.rewards, episodes.ends)
        largest = int(np.abs(episodes.rewards).argmax())
        return Units(float(scaled[largest] / episodes.rewards[largest]), 0.0)
    return Units(1.0, 0.0)


def iql_config(recipe: Recipe, seed: int) -> IQLConfig:
    """Return the settings of the critic's training."""
    settings = recipe.critic
    return IQLConfig(
        expectile=settings.expectile,
        temperature=settings.temperature,
        discount=recipe.discount,
        batch=settings.batch,
        learning_rate=settings.learning_rate,
        hidden=(settings.width, settings.width),
        tanh=settings.tanh,
        output_gain=settings.output_gain,
        steps=settings.steps,
        seed=seed,
    )


def check_critic(episodes: Episodes, task: Task, recipe: Recipe) -> None:
    """Check that a critic can be trained, before anything is.

    Raises:
        ValueError: the settings, the rewards or the bounds of actions are not a
            critic's.
    """
    try:
        iql_config(recipe, seed=0)
        reward_units(episodes, recipe.critic.rewards)
    except ValueError as error:
        raise ValueError(_refusal(str(error).rstrip("."))) from error
    check_bounds(task)
    if recipe.critic.tanh and (np.abs([task.low, task.high]) != 1.0).any():
        reason = f"actions go from {task.low} to {task.high}, those of a tanh by 1"
        raise ValueError(_refusal(reason))


def check_bounds(task: Task) -> None:
    """Check that Q can be learned of the actions between bounds.

    Raises:
        ValueError: a bound is infinite, or no action is between them.
    """
    if not (np.isfinite([task.low, task.high]).all() and (task.low < task.high).all()):
        raise ValueError(_refusal(f"actions go from {task.low} to {task.high}"))


def _refusal(reason: str) -> str:
    return (
        "expected settings, rewards and bounds of actions that a critic can be trained "
        f"with: {reason}; change that, or leave methods that need a critic out"
    )


def judged_transitions(episodes: Episodes, task: Task, units: Units) -> Transitions:
    """Return the transitions that a critic learns from, in its units of reward."""
    return Transitions(
        episodes.observations,
        np.clip(episodes.actions, task.low, task.high),  # rounding aside
        units.scale * episodes.rewards + np.float32(units.shift),
        episodes.next_observations(),
        episodes.terminations(),
    )


def train_critic(
    episodes: Episodes,
    task: Task,
    recipe: Recipe,
    folder: Path,
    *,
    seed: int,
    device: str,
    on_progress: Callable[[int, str], None],
    watch: Watch | None = None,
) -> TrainedCritic:
    """Train in a folder, going on from its checkpoint, or load what it holds.

    While another process trains there, this one waits, and says so. Losses are logged
    in the folder. Who watches scores a `tt_critic.Critic`.

    Raises:
        ValueError: the folder holds something damaged or the critic of other numbers
            than the data's, or training diverges.
    """
    units = reward_units(episodes, recipe.critic.rewards)
    make_once(
        folder / _CRITIC,
        partial(
            _train,
            *(episodes, task, units, recipe, folder, seed, device, on_progress),
            watch or Watch(),
        ),
        scaffold=(_CHECKPOINT, _SPENT),
        waiting=lambda: on_progress(0, "another process trains it"),
    )
    with remade_if_deleted(folder):
        steps, seconds = read_facts(folder / _NOTES, read_spent)
        critic = tt_critic.load(folder / _CRITIC)
        _check_sizes(critic, episodes, folder)
    return TrainedCritic(critic.to(device), units, steps, seconds)


def _check_sizes(critic: Critic, episodes: Episodes, folder: Path) -> None:
    sizes = critic.observation_size, critic.action_size
    wanted = episodes.observations.shape[1], episodes.actions.shape[1]
    if sizes != wanted:
        raise ValueError(
            f"expected a critic of {wanted[0]} observation and {wanted[1]} action "
            f"numbers, as the data has, got one of {sizes[0]} and {sizes[1]} in "
            f"{folder}"
        )


def _train(
    episodes: Episodes,
    task: Task,
    units: Units,
    recipe: Recipe,
    folder: Path,
    seed: int,
    device: str,
    on_progress: Callable[[int, str], None],
    watch: Watch,
) -> None:
    config = iql_config(recipe, seed)
    every = max(1, config.steps // _REPORTS)
    checkpoint, spent = folder / _CHECKPOINT, folder / _SPENT
    before = 0.0
    if checkpoint.exists() and spent.exists():
        with remade_if_deleted(folder):
            before = read_facts(spent, read_seconds)

    clock = Clock(before)

    def report(progress: tt_critic.Progress) -> None:
        since = (progress.step - 1) // every * every
        with clock.stopped() as seconds:
            write_json(spent, {"seconds": seconds})
            row = {"seconds": seconds, **_losses(progress)}
            scores = watch.scores(progress.step, since, progress.critic)
            log.write(progress.step, row | scores)
            on_progress(progress.step, f"V loss {progress.value_loss:.3g}")

    try:
        with watch.opened(folder, _LOSSES) as log:
            critic = tt_critic.train_critic(
                judged_transitions(episodes, task, units),
                config,
                bounds=(task.low, task.high),
                device=device,
                cuda_graph=device.startswith("cuda"),
                checkpoint=checkpoint,
                checkpoint_every=_CHECKPOINT_EVERY,
                on_progress=report,
                report_every=every,
            )
    except KeyboardInterrupt:
        write_json(spent, {"seconds": clock.seconds()})
        raise
    notes = {"steps": config.steps, "seconds": clock.seconds()}
    write_json(folder / _NOTES, notes)
    tt_critic.save(critic, folder / _CRITIC)


def _losses(progress: tt_critic.Progress) -> dict[str, float | str]:
    return {name: getattr(progress, name) for name in _LOSSES}


def find_critic(
    context: Context, make_agent: Callable[[Critic], Agent] | None = None
) -> TrainedCritic:
    """Train the critic of a context, or load the one trained before.

    If training is to be scored, it is the agent that is made of what is trained.
    """
    name, steps = f"iql seed {context.seed}, training", context.recipe.critic.steps
    with working(context.notify, name, steps) as advance:
        return train_critic(
            context.episodes,
            context.joined,
            context.recipe,
            model_folder(context, CRITIC),
            seed=context.seed,
            device=context.device,
            on_progress=advance,
            watch=watched(context, make_agent),
        )


def _check(context: Context) -> None:
    check_critic(context.dataset.episodes, context.task, context.recipe)


def _time_step(context: Context) -> Pace:
    """Time updates of the critic."""
    recipe, task, device = context.recipe, context.joined, context.device
    units = reward_units(context.episodes, recipe.critic.rewards)
    train = partial(
        tt_critic.train_critic,
        judged_transitions(context.episodes, task, units),
        attrs.evolve(iql_config(recipe, seed=0), steps=_MOST_UPDATES),
        bounds=(task.low, task.high),
        device=device,
        cuda_graph=device.startswith("cuda"),
        report_every=20 if device == "cpu" else 500,
    )
    return Pace(time_steps(train))


def _seconds(context: Context, peak: float) -> float:
    settings, seen = context.recipe.critic, context.episodes
    update = critic_operations(
        seen.observations.shape[1],
        seen.actions.shape[1],
        settings.width,
        settings.batch,
    )
    return settings.steps * max(update / (_SHARE * peak), _LEAST)


CRITIC = Network(
    "critic",
    _CRITIC,
    ("discount", "chunk", "critic"),
    "critic",
    _check,
    _time_step,
    _seconds,
)
