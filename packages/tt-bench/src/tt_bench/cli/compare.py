"""What the commands of the command line do, once their options are known."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import attrs
import torch
import tyro
from attrs.validators import ge, gt, in_, lt, optional
from rich.console import Console

from tt_bench.cli.datasets import load_shown
from tt_bench.cli.messages import (
    announce,
    describe_budget,
    describe_settings,
    foretell,
    references,
)
from tt_bench.cli.progress import say, shown_on
from tt_bench.interface import Track
from tt_bench.methods.recipes import recipe_for
from tt_bench.methods.settings import Recipe
from tt_bench.report.table import print_report, print_suite
from tt_bench.results.result import RunResult
from tt_bench.runs.budget import budgeted, fit_budget, is_noted
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run, RunConfig, plan_runs
from tt_bench.runs.suites import SUITES
from tt_bench.runs.threads import choose_threads
from tt_bench.studies.maze_plans import draw_plans
from tt_bench.studies.maze_values import check_values

DEFAULT_DATASET = "tt/pointmaze/umaze-v0"
_LONG = 180  # minutes that are worth a word on how to need fewer


@attrs.frozen
class D4rl:
    """Train methods on a dataset of episodes and score them in its environment.

    Finished runs are found in the output folder and reused; after Ctrl-C the same
    command continues. The defaults of the options below are those of the recipe for
    the dataset: give --dataset together with --help to see them.

    Attributes:
        dataset: D4RL's name (hopper-medium-v2), path of an HDF5 file of D4RL's layout,
            or Minari id, local, remote or made here (see `collect --help`).
        small: Start from settings that a processor core trains in half an hour, where
            the recipe wants an accelerator.
        env: Gymnasium id of the environment to evaluate in; the dataset's by default.
        methods: Rows of the table: random, behaviour, bc, bc-10, iql, tt,
            tt-uniform, tt+q.
        seeds: Training seeds of each method that is trained.
        first_seed: The first of them; several processes can so share the seeds.
        episodes: Episodes of each run.
        max_steps: Cut episodes after so many steps; the environment's limit by default.
        steps: Training steps of the transformer, short for --training.steps.
        budget: Minutes of training for each transformer and each critic on this
            machine, in place of steps: a short trial tells how many those are.
        suite: Run a set of datasets instead, and print one table of all at the end:
            pointmaze or antmaze.
        device: Where to compute, such as cpu or cuda.
        threads: Processor threads of torch. By default one or all, whichever proves
            faster before each run; a run that resumes is the same bit for bit only
            with the same number.
        output: Folder for results and trained models.
        recipe: Settings.
    """

    dataset: str = DEFAULT_DATASET
    small: bool = False
    env: str | None = None
    methods: tuple[str, ...] = ("random", "behaviour", "bc", "iql", "tt", "tt+q")
    seeds: int = 3
    first_seed: int = 0
    episodes: int = 20
    max_steps: int | None = None
    steps: int | None = None
    budget: float | None = attrs.field(
        default=None, validator=optional([gt(0.0), lt(math.inf)])
    )
    suite: str | None = attrs.field(default=None, validator=optional(in_(SUITES)))
    device: str = "cpu"
    threads: int | None = attrs.field(default=None, validator=optional(ge(1)))
    output: Path = Path(".tt")
    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = attrs.field(factory=Recipe)


def run_suite(runs: Sequence[D4rl], console: Console) -> None:
    """Run on one dataset after the other, then print one table of all."""
    print_suite(console, [run_d4rl(options, console) for options in runs])


def run_d4rl(options: D4rl, console: Console) -> list[RunResult]:
    """Run every method with every seed that is not finished, then print the table."""
    recipe, config = configure(options)
    runs = plan_runs(config)
    announce(console, options.dataset, runs)
    track = shown_on(console)
    dataset = load_shown(console, options.dataset, options.env)
    say(console, f"  {dataset.source}")
    experiment = Experiment.of(dataset, recipe, config)
    if options.threads is None:
        choose_threads()
    if options.budget is not None:
        experiment = _within(console, experiment, options.budget)
    describe_settings(console, runs, experiment.recipe)
    minutes = foretell(console, experiment, runs)
    if minutes > _LONG and not options.small and _can_be_small(options.dataset):
        say(console, "  --small is for one core and half an hour a seed")
    results = []
    for run in runs:
        if options.threads is None and experiment.finished(run) is None:
            choose_threads()
        results.append(_execute(console, experiment, run, track))
    print_report(console, results, references(dataset))
    say(console, f"results and models: {experiment.store.folder}")
    agreement = check_values(experiment, track)
    if agreement is not None:
        say(
            console,
            f"V of iql seed {config.first_seed} at 100 new states correlates "
            f"{agreement.table:.3f} with V that a table learns from the same data, "
            f"{agreement.data:.3f} with discounted shortest ways to the goal that the "
            f"data shows, and {agreement.maze:.3f} with those through the maze",
        )
    picture = draw_plans(experiment, track)
    if picture is not None:
        say(console, f"plans: {picture}")
    return results


def _can_be_small(dataset: str) -> bool:
    return recipe_for(dataset, small=True) != recipe_for(dataset)


def _within(console: Console, experiment: Experiment, minutes: float) -> Experiment:
    """Fit the steps of training to minutes, and say how many they are."""
    if not is_noted(experiment, minutes):
        say(console, f"budget of {minutes:g} min a network: timing a few steps ...")
    recipe = fit_budget(experiment, minutes)
    fitted = describe_budget(recipe, budgeted(experiment.config.methods))
    say(console, f"budget: {fitted}")
    return attrs.evolve(experiment, recipe=recipe)


def configure(options: D4rl) -> tuple[Recipe, RunConfig]:
    """Turn options into settings, and set the number of threads if it is given."""
    recipe = options.recipe
    if options.steps is not None and options.budget is not None:
        raise ValueError(
            "expected --steps or --budget, got both: a budget is turned into steps, so "
            "leave out one of them"
        )
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    if options.steps is not None:
        training = attrs.evolve(recipe.training, steps=options.steps)
        recipe = attrs.evolve(recipe, training=training)
    return recipe, RunConfig(
        methods=options.methods,
        seeds=options.seeds,
        first_seed=options.first_seed,
        episodes=options.episodes,
        max_steps=options.max_steps,
        device=options.device,
        output=options.output,
    )


def _execute(
    console: Console, experiment: Experiment, run: Run, track: Track
) -> RunResult:
    result = experiment.execute(run, track)
    mean = sum(result.scores or result.returns) / len(result.returns)
    unit = "return" if result.scores is None else "score"
    say(console, f"{run.method} seed {run.seed}: {unit} {mean:.1f}")
    return result
