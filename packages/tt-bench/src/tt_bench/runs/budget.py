"""Turn minutes of training into steps, by timing a few steps of each network."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs

import tt_critic
import tt_model
from tt_bench.cli.progress import silent
from tt_bench.files.json_file import read_json, write_once
from tt_bench.methods.iql import iql_config, judged_transitions, reward_units
from tt_bench.methods.pace import Pace, time_last, time_steps
from tt_bench.methods.settings import Recipe
from tt_bench.methods.table import METHODS, run_settings
from tt_bench.methods.task import chunk_task
from tt_bench.methods.transformer import (
    RECORDS,
    fit_bins,
    model_config,
    new_model,
    split,
    train_config,
)
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run

_MOST = 10_000  # steps of a trial
_MOST_UPDATES = 200_000
_TRAINS = {"training": "tt", "critic": "iql"}  # parts of a recipe, methods that need it


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


def _time_transformer(experiment: Experiment) -> Pace:
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
    step = time_steps(partial(train, config))
    if held_out is None:
        return Pace(step)
    # not compiled, which would take longer than what is timed
    short = attrs.evolve(
        config, steps=2, steps_per_epoch=2, report_every=1, compile=False
    )
    both = time_last(partial(train, short, held_out=held_out))
    return Pace(step, RECORDS * max(0.0, both - step))


def _time_critic(experiment: Experiment) -> Pace:
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
    return Pace(time_steps(train))


_TIMERS: Mapping[str, Callable[[Experiment], Pace]] = {
    "training": _time_transformer,
    "critic": _time_critic,
}
