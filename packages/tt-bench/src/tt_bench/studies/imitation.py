"""How much of the behaviour's return is reached by doing what the data would do."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from tt_bench.data import Episodes
from tt_bench.methods import Recipe
from tt_bench.report import new_figure, save_figure
from tt_bench.results import RunResult

IMITATORS: Mapping[str, str] = {
    "bc": "behaviour cloning",
    "tt": "transformer, likeliest sequence",
}

_SMOOTHING = 0.05  # of an action's range


def by_likelihood(recipe: Recipe) -> Recipe:
    """Return a recipe whose transformer does what is likeliest, whatever it earns."""
    planner = attrs.evolve(recipe.planner, search="likelihood")
    return attrs.evolve(recipe, planner=planner)


def imitating(recipe: Recipe) -> Recipe:
    """Return a recipe whose transformer does as one policy did.

    The likeliest of many bins is often a spike at the end of an action's range: where
    no smoothing is set, actions have some.
    """
    recipe = by_likelihood(recipe)
    smoothing = recipe.planner.smoothing or _SMOOTHING
    planner = attrs.evolve(recipe.planner, smoothing=smoothing)
    return attrs.evolve(recipe, planner=planner)


def compare_imitators(
    results: Sequence[RunResult], episodes: Episodes
) -> dict[str, Any]:
    """Return each imitator's mean return, seed by seed, relative to the data's."""
    behaviour = float(episodes.returns().mean())
    relative = {
        name: [
            float(np.mean(r.returns)) / behaviour for r in results if r.method == name
        ]
        for name in IMITATORS
    }
    return {"behaviour": behaviour, "relative": relative}


def draw_imitation(found: Mapping[str, Any], path: Path, *, title: str) -> None:
    """Write one bar an imitator, the mean over seeds, and a dot a seed."""
    figure = new_figure(640, 480)
    panel = figure.subplots()
    for place, name in enumerate(IMITATORS):
        seeds = 100 * np.array(found["relative"][name])
        panel.bar(place, seeds.mean(), width=0.6, color=f"C{place}")
        panel.plot([place] * len(seeds), seeds, "o", color="black", markersize=5)
    panel.plot([], [], "o", color="black", markersize=5, label="a seed")
    panel.axhline(100, color="gray", linestyle="--", label="what made the data")
    panel.set_xticks(range(len(IMITATORS)), list(IMITATORS.values()))
    panel.set_ylabel("mean return [% of the data's]")
    panel.set_title(title)
    figure.legend(loc="outside lower center", ncols=2)
    save_figure(figure, path)
