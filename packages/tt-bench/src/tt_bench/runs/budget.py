"""Turn minutes of training into steps, by timing a few steps of each network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from tt_bench.files import read_json, write_once
from tt_bench.methods import METHODS, Network, Recipe, part_name, run_settings
from tt_bench.runs.experiment import Experiment


def fit_budget(experiment: Experiment, minutes: float) -> Recipe:
    """Set the steps of each network to what fits in the minutes.

    Each network of each seed gets the minutes; the learning-rate schedules follow the
    steps. Only networks that a method of the experiment needs are timed. What was found
    is kept beside the results, so that the same budget means the same steps when a run
    is continued, and in every process that shares the folder.
    """
    recipe = experiment.recipe
    for network in _networks(experiment.config.methods):
        path, facts = _note(experiment, network, minutes)
        if not path.exists():
            pace = network.time_step(experiment.learning())
            steps = max(1, round((60 * minutes - pace.besides) / pace.step))
            write_once(path, {"steps": steps, **facts})
        part = attrs.evolve(recipe.part(network.steps), steps=_read_steps(path))
        recipe = recipe.replace(network.steps, part)
    return recipe


def describe_budget(recipe: Recipe, methods: Sequence[str]) -> str:
    """Say how many steps each network came to that a budget is for."""
    steps = [
        f"{recipe.part(network.steps).steps:,} steps of a {network.name}"
        for network in _networks(methods)
    ]
    return ", ".join(steps) or "sets nothing here, no network is trained in steps"


def is_noted(experiment: Experiment, minutes: float) -> bool:
    """Say whether the steps of a budget are known, so that nothing need be timed."""
    networks = _networks(experiment.config.methods)
    return all(_note(experiment, net, minutes)[0].exists() for net in networks)


def _networks(methods: Sequence[str]) -> list[Network]:
    """List the networks that methods need, each once."""
    every = [net for name in methods for net in METHODS[name].networks]
    return list({net.name: net for net in every}.values())


def _read_steps(path: Path) -> int:
    steps = read_json(path).get("steps")
    if type(steps) is not int or steps < 1:
        raise ValueError(
            f"expected the steps of a budget in {path}, got {steps!r}: delete the file "
            "to time them again"
        )
    return steps


def _note(
    experiment: Experiment, network: Network, minutes: float
) -> tuple[Path, dict[str, Any]]:
    """Return where the steps are noted, and all that they depend on."""
    name = part_name(network.steps)
    # steps executed change nothing, but budgets were noted with them from the first on
    settings = run_settings(experiment.learning(), (*network.parts, "executed"))
    settings[name] = {k: v for k, v in settings[name].items() if k != "steps"}
    facts = {
        "minutes": minutes,
        "device": experiment.config.device,
        "settings": settings,
    }
    return experiment.store.budget_path(name, facts), facts
