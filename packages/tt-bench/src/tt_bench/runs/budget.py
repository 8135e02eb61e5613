"""Turn minutes of training into steps, by timing a few steps of each network."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import attrs

import tt_critic
import tt_model
from tt_bench.agents.chunked import chunk_task
from tt_bench.cli.progress import silent
from tt_bench.methods.iql import iql_config, judged_transitions, reward_units
from tt_bench.methods.settings import Recipe
from tt_bench.methods.table import METHODS, run_settings
from tt_bench.methods.transformer import (
    RECORDS,
    fit_bins,
    model_config,
    new_model,
    split,
    train_config,
)
from tt_bench.results.result import read_json, write_once
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run
from tt_model import Epoch, Progress

_WARM = 2  # reports of a trial until training has come to its pace
_ENOUGH = 5.0  # seconds from there on that tell the pace
_MOST = 10_000  # steps of a trial
_MOST_UPDATES = 200_000
_TRAINS = {"training": "tt", "critic": "iql"}  # parts of a recipe, methods that need it


class _Pace(NamedTuple):
    """Seconds of a step, and those that training takes besides all its steps."""

    step: float
    besides: float = 0.0


def budgeted(methods: Sequence[str]) -> list[str]:
    """Name the parts of the recipe whose steps a budget sets for these methods."""
    used = {part for name in methods for part in METHODS[name].parts}
    return [part for part in _TRAINS if part in used]


def fit_budget(experiment: Experiment, minutes: float) -> Recipe:
    """Set the steps of the transformer and of the critic to what fits in the minutes.

    Each network of each seed gets the minutes; the learning-rate schedules follow the
    steps. Only networks that a method of the experiment needs are timed. What was found
    is kept beside the results, so that the same budget means the same steps when a run
    is continued, and in every process that shares the folder.
    """
    recipe = experiment.recipe
    for part in budgeted(experiment.config.methods):
        path, facts = _note(experiment, part, minutes)
        if not path.exists():
            pace = _TIMERS[part](experiment)
            steps = max(1, round((60 * minutes - pace.besides) / pace.step))
            write_once(path, {"steps": steps, **facts})
        recipe = _with_steps(recipe, part, _read_steps(path))
    return recipe


def _read_steps(path: Path) -> int:
    steps = read_json(path).get("steps")
    if not isinstance(steps, int):
        raise ValueError(
            f"expected the steps of a budget in {path}, got {steps!r}: delete the file "
            "to time them again"
        )
    return steps


def is_noted(experiment: Experiment, minutes: float) -> bool:
    """Say whether the steps of a budget are known, so that nothing need be timed."""
    parts = budgeted(experiment.config.methods)
    return all(_note(experiment, part, minutes)[0].exists() for part in parts)


def _note(
    experiment: Experiment, part: str, minutes: float
) -> tuple[Path, dict[str, Any]]:
    """Return where the steps are noted, and all that they depend on."""
    method = _TRAINS[part]
    context = experiment.context(Run(method, 0), silent)
    parts = tuple(name for name in METHODS[method].parts if name != "planner")
    settings = run_settings(context, parts)
    del settings[part]["steps"]
    facts = {
        "minutes": minutes,
        "device": experiment.config.device,
        "settings": settings,
    }
    return experiment.store.budget_path(part, facts), facts


def _with_steps(recipe: Recipe, part: str, steps: int) -> Recipe:
    settings: dict[str, Any] = {part: attrs.evolve(getattr(recipe, part), steps=steps)}
    return attrs.evolve(recipe, **settings)


def _time_transformer(experiment: Experiment) -> _Pace:
    """Time steps of training, and the measuring of held-out episodes that it does."""
    recipe, device = experiment.recipe, experiment.config.device
    bins, layout, data = fit_bins(experiment.episodes, recipe)
    fitted, held_out = split(data, recipe.chunk)
    config = attrs.evolve(
        train_config(recipe, layout, windows=len(fitted.tokens), seed=0),
        steps=_MOST,
        steps_per_epoch=_MOST,
        report_every=1 if device == "cpu" else 10,  # an accelerator must be waited for
    )
    model = new_model(model_config(recipe, layout, bins), seed=0).to(device)
    train = partial(tt_model.train, model, fitted, device=device)
    step = _time_steps(partial(train, config))
    if held_out is None:
        return _Pace(step)
    # not compiled, which would take longer than what is timed
    short = attrs.evolve(
        config, steps=2, steps_per_epoch=2, report_every=1, compile=False
    )
    both = _time_last(partial(train, short, held_out=held_out))
    return _Pace(step, RECORDS * max(0.0, both - step))


class _EnoughError(Exception):
    """Enough steps were timed."""


def _time_steps(train: Callable[..., object]) -> float:
    """Return the seconds of a step, once training has come to its pace."""
    marks: list[tuple[int, float]] = []

    def on_progress(progress: Progress | tt_critic.Progress) -> None:
        marks.append((progress.step, time.perf_counter()))
        if len(marks) > _WARM and marks[-1][1] - marks[_WARM - 1][1] >= _ENOUGH:
            raise _EnoughError

    with suppress(_EnoughError):
        train(on_progress=on_progress)
    (first, began), (last, ended) = marks[_WARM - 1], marks[-1]
    return (ended - began) / (last - first)


def _time_last(train: Callable[..., object]) -> float:
    """Return the seconds of the last of two steps and of the record that follows."""
    marks: list[float] = []

    def mark(_: Progress | Epoch) -> None:
        marks.append(time.perf_counter())

    train(on_progress=mark, on_epoch=mark)
    return marks[1] - marks[0]


def _time_critic(experiment: Experiment) -> _Pace:
    """Time updates of the critic."""
    episodes, task, recipe = (
        experiment.episodes,
        chunk_task(experiment.task, experiment.recipe.chunk),
        experiment.recipe,
    )
    device = experiment.config.device
    units = reward_units(episodes, recipe.critic.rewards)
    train = partial(
        tt_critic.train_critic,
        judged_transitions(episodes, task, units),
        attrs.evolve(iql_config(recipe, seed=0), steps=_MOST_UPDATES),
        bounds=(task.low, task.high),
        device=device,
        cuda_graph=device.startswith("cuda"),
        report_every=20 if device == "cpu" else 500,
    )
    return _Pace(_time_steps(train))


_TIMERS: Mapping[str, Callable[[Experiment], _Pace]] = {
    "training": _time_transformer,
    "critic": _time_critic,
}
