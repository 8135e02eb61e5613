"""Turn minutes of training into steps, by timing a few steps of each network."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from tt_bench._criticism import train_critic
from tt_bench._experiment import Experiment
from tt_bench._recipes import Recipe
from tt_bench._results import write_json
from tt_bench._transformer import train_transformer

_FEW, _MORE = 4, 60  # steps of the transformer's trials
_UPDATES = 400  # of the critic's
_ENOUGH = 5.0  # seconds of a trial that tell the speed


def fit_budget(experiment: Experiment, minutes: float) -> Recipe:
    """Set the steps of the transformer and of the critic to what fits in the minutes.

    Each network of each seed gets the minutes; the learning-rate schedules follow the
    steps. Only networks that a method of the experiment needs are timed. What was found
    is kept beside the results, so that the same budget means the same steps when a run
    is continued.
    """
    recipe, methods = experiment.recipe, set(experiment.config.methods)
    if any(method.startswith("tt") for method in methods):
        steps = _steps(experiment, "training", minutes, _time_transformer)
        training = attrs.evolve(recipe.training, steps=steps)
        recipe = attrs.evolve(recipe, training=training)
    if methods & {"iql", "tt+q"}:
        steps = _steps(experiment, "critic", minutes, _time_critic)
        recipe = attrs.evolve(recipe, critic=attrs.evolve(recipe.critic, steps=steps))
    return recipe


def _steps(
    experiment: Experiment,
    part: str,
    minutes: float,
    measure: Callable[[Experiment], float],
) -> int:
    """Return the steps that fit, measured now or as noted before."""
    facts = {
        "minutes": minutes,
        "device": experiment.config.device,
        "settings": attrs.asdict(experiment.recipe),
        "data": experiment.identity,
    }
    path = experiment.store.budget_path(part, facts)
    if not path.exists():
        steps = max(1, round(60 * minutes / measure(experiment)))
        write_json(path, {"steps": steps, **facts})
    return int(json.loads(path.read_text())["steps"])


def _time_transformer(experiment: Experiment) -> float:
    """Return the seconds of a training step: of few steps, or of more where fast."""
    began = time.perf_counter()
    seconds = _try_transformer(experiment, _FEW)
    if time.perf_counter() - began < _ENOUGH or seconds < _ENOUGH / _MORE:
        seconds = _try_transformer(experiment, _MORE)
    return seconds


def _try_transformer(experiment: Experiment, steps: int) -> float:
    training = attrs.evolve(experiment.recipe.training, steps=steps)
    with TemporaryDirectory() as folder:
        trained = train_transformer(
            experiment.dataset.episodes,
            attrs.evolve(experiment.recipe, training=training),
            Path(folder),
            seed=0,
            device=experiment.config.device,
        )
    return trained.seconds / steps


def _time_critic(experiment: Experiment) -> float:
    """Return the seconds of an update."""
    recipe = experiment.recipe
    critic = attrs.evolve(recipe.critic, steps=_UPDATES)
    marks: list[tuple[int, float]] = []
    with TemporaryDirectory() as folder:
        train_critic(
            experiment.dataset.episodes,
            experiment.task,
            attrs.evolve(recipe, critic=critic),
            Path(folder),
            seed=0,
            device=experiment.config.device,
            on_progress=lambda step, _: marks.append((step, time.perf_counter())),
        )
    half = marks[len(marks) // 2 :]
    return (half[-1][1] - half[0][1]) / (half[-1][0] - half[0][0])
