"""A whole comparison: planned, run and returned as data."""

from collections.abc import Sequence
from pathlib import Path

import attrs

from tt_bench.data import Dataset, load_dataset
from tt_bench.interface import Event, Notify, silent
from tt_bench.methods import Recipe, recipe_for
from tt_bench.results import RunResult
from tt_bench.runs.budget import describe_budget, fit_budget, is_noted
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import RunConfig, as_path, plan_runs
from tt_bench.runs.threads import choose_threads


def compare(
    dataset: Dataset | str,
    methods: Sequence[str],
    *,
    recipe: Recipe | None = None,
    seeds: int = 3,
    first_seed: int = 0,
    episodes: int = 20,
    max_steps: int | None = None,
    budget: float | None = None,
    device: str = "cpu",
    output: Path | str = ".tt",
    notify: Notify = silent,
) -> list[RunResult]:
    """Train methods on a dataset and play them in its environment.

    Finished runs are found in the output folder; what was interrupted goes on.

    Args:
        dataset: episodes with their environment, or a name as `load_dataset` takes it.
        methods: names out of `METHODS`.
        recipe: the settings; those that suit the dataset's name by default.
        seeds: training seeds of each method that is trained.
        first_seed: the first of them.
        episodes: episodes of each run.
        max_steps: cut episodes after so many steps.
        budget: minutes of training of each network, in place of the recipe's steps.
        device: where to compute.
        output: folder for results and trained models.
        notify: is told messages and progress.

    Returns:
        A result a run, method by method in the order of `METHODS`.

    Raises:
        ValueError: a setting or the dataset can't be used.
    """
    data = load_dataset(dataset) if isinstance(dataset, str) else dataset
    config = RunConfig(
        methods=tuple(methods),
        seeds=seeds,
        first_seed=first_seed,
        episodes=episodes,
        max_steps=max_steps,
        device=device,
        output=as_path(output),
    )
    experiment = Experiment.of(
        data, recipe_for(data.name) if recipe is None else recipe, config
    )
    if budget is not None:
        experiment = within_budget(experiment, budget, notify)
    return run_all(experiment, notify)


def within_budget(
    experiment: Experiment, minutes: float, notify: Notify = silent
) -> Experiment:
    """Fit the steps of training to minutes, and say how many they are."""
    if not is_noted(experiment, minutes):
        text = f"budget of {minutes:g} min a network: timing a few steps ..."
        notify(Event("message", text))
    recipe = fit_budget(experiment, minutes)
    fitted = describe_budget(recipe, experiment.config.methods)
    notify(Event("message", f"budget: {fitted}"))
    return attrs.evolve(experiment, recipe=recipe)


def run_all(
    experiment: Experiment, notify: Notify = silent, *, adapt_threads: bool = False
) -> list[RunResult]:
    """Execute every run that is not finished; return the results of all.

    Args:
        experiment: what to run.
        notify: is told each finished run, and the progress.
        adapt_threads: before each run, use one of torch's threads or all of them,
            whichever proves faster.
    """
    results = []
    for run in plan_runs(experiment.config):
        if adapt_threads and experiment.finished(run) is None:
            choose_threads()
        result = experiment.execute(run, notify)
        notify(Event("message", _summary(result)))
        results.append(result)
    return results


def _summary(result: RunResult) -> str:
    mean = sum(result.scores or result.returns) / len(result.returns)
    unit = "return" if result.scores is None else "score"
    return f"{result.method} seed {result.seed}: {unit} {mean:.1f}"
