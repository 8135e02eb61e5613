"""The command `d4rl`: a comparison of methods, and what is said of it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import torch
import tyro
from attrs.validators import ge, gt, in_, le, lt, optional
from rich.console import Console

from tt_bench.cli.datasets import load_shown
from tt_bench.cli.messages import (
    announce,
    describe_settings,
    foretell,
    published_names,
    references,
)
from tt_bench.cli.progress import say, shown_on
from tt_bench.data import Goal
from tt_bench.methods import Recipe, own_settings, recipe_for
from tt_bench.report import print_report, print_suite
from tt_bench.results import RunResult
from tt_bench.runs import (
    SUITES,
    Experiment,
    RunConfig,
    choose_threads,
    plan_runs,
    run_all,
    within_budget,
)

DEFAULT_DATASET = "tt/pointmaze/umaze-v0"
_MOST_THREADS = 1_024
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
        small: Start from settings that a processor core trains in about ten minutes,
            where the recipe wants an accelerator.
        env: Gymnasium id of the environment to evaluate in; the dataset's by default.
        keys: Parts of a dictionary observation to join, in order; those of nested ones
            are joined by "/". By default what the task needs.
        goal: What becomes of goals that move: observed, as by default, or fixed, for
            mazes that are evaluated for one goal.
        trust_env_spec: Make the environment as the dataset says, which runs any code
            that it names: only for data of people that you trust.
        methods: Rows of the table: random, behaviour, bc, bc-10, dt, td3+bc, rebrac,
            cql, iql, mbop, tt, tt-uniform, tt+q.
        seeds: Training seeds of each method that is trained.
        first_seed: The first of them; several processes can so share the seeds.
        episodes: Episodes of each run.
        max_steps: Cut episodes after so many steps; the environment's limit by default.
        steps: Training steps of the transformer, short for --training.steps.
        budget: Minutes of training for each transformer and each critic on this
            machine, in place of steps: a short trial tells how many those are.
        suite: Run a set of datasets instead, and print one table of all at the end:
            pointmaze, antmaze, locomotion (with --datasets) or d4rl.
        datasets: The suite's datasets, in place of its own: names, files, or a folder
            of files such as hopper-mixed.hdf5.
        device: Where to compute, such as cpu or cuda.
        threads: Processor threads of torch. By default one or all, whichever proves
            faster before each run; a run that resumes is the same bit for bit only
            with the same number.
        output: Folder for results and trained models.
        log: What is told of training besides training.csv: tensorboard, wandb.
        evaluate_every: Score what is trained every so many steps, for learning curves;
            training is the same, and its minutes are without those of scores.
        recipe: Settings.
    """

    dataset: str = DEFAULT_DATASET
    small: bool = False
    env: str | None = None
    keys: tuple[str, ...] | None = None
    goal: Goal | None = None
    trust_env_spec: bool = False
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
    datasets: tuple[str, ...] = ()
    device: str = "cpu"
    threads: int | None = attrs.field(
        default=None, validator=optional([ge(1), le(_MOST_THREADS)])
    )
    output: Path = Path(".tt")
    log: tuple[Literal["tensorboard", "wandb"], ...] = ()
    evaluate_every: int | None = None
    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = attrs.field(factory=Recipe)


def run_suite(runs: Sequence[D4rl], console: Console) -> None:
    """Run on one dataset after the other, then print one table of all."""
    print_suite(console, [run_d4rl(options, console) for options in runs])


def run_d4rl(options: D4rl, console: Console) -> list[RunResult]:
    """Run every method with every seed that is not finished, then print the table."""
    recipe, config = configure(options)
    announce(console, options.dataset, plan_runs(config))
    notify = shown_on(console)
    dataset = load_shown(notify, options.dataset, **load_options(options))
    say(console, f"  {dataset.source}")
    experiment = Experiment.of(dataset, recipe, config)
    if options.threads is None:
        choose_threads()
    if options.budget is not None:
        experiment = within_budget(experiment, options.budget, notify)
    _foretell(options, experiment, console)
    results = run_all(experiment, notify, adapt_threads=options.threads is None)
    names = published_names(results)
    print_report(console, results, references(dataset), names)
    say(console, f"results and models: {experiment.store.folder}")
    return results


def _foretell(options: D4rl, experiment: Experiment, console: Console) -> None:
    """Say what the settings are and how long it may take."""
    runs = plan_runs(experiment.config)
    describe_settings(console, runs, experiment.recipe)
    minutes = foretell(console, experiment, runs)
    if minutes > _LONG and not options.small and _can_be_small(options.dataset):
        say(console, "  --small is for one core and about ten minutes a seed")


def check_single(options: D4rl) -> None:
    """Raise ValueError where options ask for a suite, and the command is of a set."""
    if options.suite or options.datasets:
        raise ValueError(
            "expected one --dataset, got --suite or --datasets, which only `d4rl` takes"
        )


def _can_be_small(dataset: str) -> bool:
    return recipe_for(dataset, small=True) != recipe_for(dataset)


def load_options(options: D4rl) -> dict[str, Any]:
    """Return the options of `load_dataset`."""
    return {
        "env": options.env,
        "keys": options.keys,
        "goal": options.goal,
        "trust_env_spec": options.trust_env_spec,
    }


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
    own = [getattr(options, name, None) for name in own_settings()]
    recipe = attrs.evolve(recipe, own=tuple(filter(None, own)) or recipe.own)
    return recipe, RunConfig(
        methods=options.methods,
        seeds=options.seeds,
        first_seed=options.first_seed,
        episodes=options.episodes,
        max_steps=options.max_steps,
        device=options.device,
        output=options.output,
        log=options.log,
        evaluate_every=options.evaluate_every,
    )
