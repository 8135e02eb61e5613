"""What a run says before it starts, and what is known without running."""

import time
from collections.abc import Sequence

from rich.console import Console

from tt_bench.cli.progress import say
from tt_bench.data import SOURCES, Dataset, collecting_processes, is_local
from tt_bench.methods import METHODS, PlannerSettings, Recipe
from tt_bench.results import RunResult, normalise
from tt_bench.runs import Experiment, Run, estimate_seconds
from tt_bench.speed import matmul_peak

_LOOK = 512  # a matmul of this size tells enough of the machine
_LOOKS, _APART = 5, 0.1  # of which some may be disturbed, and seconds between two


def announce(console: Console, dataset: str, runs: Sequence[Run]) -> None:
    """Say what will happen before anything takes time."""
    methods = list(dict.fromkeys(run.method for run in runs))
    say(console, f"dataset {dataset}")
    if dataset in SOURCES and not is_local(dataset):
        say(console, f"  will be collected first, once: {collection(dataset)}")
    for method in methods:
        seeds = sum(run.method == method for run in runs)
        say(console, f"{method}: {METHODS[method].title}, {seeds} x")


def describe_settings(console: Console, runs: Sequence[Run], recipe: Recipe) -> None:
    """Say how steps are joined, and what the transformer is like, if a run has one."""
    learns = any("chunk" in METHODS[run.method].needs for run in runs)
    if learns and recipe.chunk > 1:
        say(
            console,
            f"  learns in chunks of {recipe.chunk} steps, executes {recipe.executed} "
            "of each",
        )
    if not any("model" in METHODS[run.method].needs for run in runs):
        return
    shape, training, planner = recipe.model, recipe.training, recipe.planner
    search = _describe_search(planner)
    say(
        console,
        f"  {shape.layers} layers of width {shape.width}, {training.steps:,} steps "
        f"of {training.batch} x {training.transitions} transitions; {search}, "
        f"horizon {planner.horizon}, context {planner.context}",
    )


def _describe_search(planner: PlannerSettings) -> str:
    if planner.search == "best-of-n":
        return f"best of {planner.beam}"
    if planner.search == "likelihood":
        return f"likeliest of {planner.beam}"
    if planner.search in ("cem", "mppi"):
        return f"{planner.search} {planner.iterations} x {planner.samples}"
    return f"beam {planner.beam} x {planner.candidates}"


def collection(name: str) -> str:
    """Say how much is collected to make a dataset, and how long that takes."""
    source = SOURCES[name]
    cores = collecting_processes(source)
    minutes = max(1, round(source.transitions / source.pace / cores / 60))
    shared = f" on {cores} cores" if cores > 1 else ""
    return f"{source.transitions:,} transitions, about {minutes} min{shared}"


def foretell(console: Console, experiment: Experiment, runs: Sequence[Run]) -> float:
    """Say how many runs are left and return the minutes that they may take."""
    left = [run for run in runs if experiment.finished(run) is None]
    if not left:
        say(console, f"{len(runs)} runs, all finished before")
        return 0
    peak = _best_look(experiment.config.device)
    seconds = estimate_seconds(experiment, left, peak=peak)
    done = len(runs) - len(left)
    minutes = max(1, round(seconds / 60))
    say(
        console,
        f"{len(runs)} runs, {done} finished before; about {minutes} min for the rest",
    )
    return minutes


def _best_look(device: str) -> float:
    """Return the operations a second that the machine reached when least disturbed."""
    best = matmul_peak(device, _LOOK)
    for _ in range(_LOOKS - 1):
        time.sleep(_APART)
        best = max(best, matmul_peak(device, _LOOK))
    return best


def references(dataset: Dataset) -> dict[str, str]:
    """Say what is known of the methods without running them."""
    returns = dataset.episodes.returns()
    length = round(float(dataset.episodes.lengths.mean()))
    if dataset.reference is None:
        return {"behaviour": f"data: {returns.mean():.1f} in {length} steps"}
    mean = float(normalise(returns, dataset.reference).mean())
    return {"random": "0", "behaviour": f"data: {mean:.1f} in {length} steps"}


def published_names(results: Sequence[RunResult]) -> dict[str, str]:
    """Return the name that each method of some runs is published under, if any."""
    names = {}
    for result in results:
        published_as = METHODS[result.method].published_as
        if published_as is not None:
            names[result.method] = published_as(result.settings)
    return names
