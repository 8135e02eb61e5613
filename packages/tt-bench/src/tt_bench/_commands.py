"""What the commands of the command line do, once their options are known."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import attrs
import torch
import tyro
from attrs.validators import ge, gt, in_, optional
from rich.console import Console

from tt_bench._budget import fit_budget
from tt_bench._d4rl import d4rl_entries, d4rl_file
from tt_bench._dataset import Dataset
from tt_bench._experiment import Experiment
from tt_bench._interface import Advance, Track
from tt_bench._load import load_dataset
from tt_bench._maze_check import check_values
from tt_bench._maze_plans import draw_plans
from tt_bench._messages import announce, collection, foretell, references
from tt_bench._minari import is_local
from tt_bench._progress import say, shown_on
from tt_bench._recipes import Recipe, recipe_for
from tt_bench._report import print_report, print_suite
from tt_bench._results import RunResult
from tt_bench._run_config import Run, RunConfig, plan_runs
from tt_bench._sources import SOURCES
from tt_bench._suites import SUITES
from tt_bench._threads import choose_threads

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
        small: Start from settings that two processor cores train in minutes, where
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
            machine: a short trial tells how many steps that is.
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
    budget: float | None = attrs.field(default=None, validator=optional(gt(0.0)))
    suite: str | None = attrs.field(default=None, validator=optional(in_(SUITES)))
    device: str = "cpu"
    threads: int | None = attrs.field(default=None, validator=optional(ge(1)))
    output: Path = Path(".tt")
    recipe: Annotated[Recipe, tyro.conf.arg(name="")] = attrs.field(factory=Recipe)


@attrs.frozen
class Collect:
    """Make the datasets that need no download, into the local Minari cache.

    Attributes:
        names: Ids to make; all of them by default.
    """

    names: tyro.conf.Positional[tuple[str, ...]] = tuple(SOURCES)


def run_collect(options: Collect, console: Console) -> None:
    """Collect each dataset that is not there yet."""
    unknown = [name for name in options.names if name not in SOURCES]
    if unknown:
        raise ValueError(
            f"expected datasets out of {', '.join(SOURCES)}; got {', '.join(unknown)}"
        )
    for name in options.names:
        if not is_local(name):
            say(console, f"{name} will be collected: {collection(name)}")
        dataset = _load(name, None, shown_on(console))
        say(console, f"{name}: {len(dataset.episodes):,} transitions")
        say(console, f"  {dataset.source}")


def run_suite(runs: Sequence[D4rl], console: Console) -> None:
    """Run on one dataset after the other, then print one table of all."""
    print_suite(console, [run_d4rl(options, console) for options in runs])


def run_d4rl(options: D4rl, console: Console) -> list[RunResult]:
    """Run every method with every seed that is not finished, then print the table."""
    recipe, config = configure(options)
    runs = plan_runs(config)
    announce(console, options.dataset, runs, recipe)
    track = shown_on(console)
    dataset = _load(options.dataset, options.env, track)
    say(console, f"  {dataset.source}")
    experiment = Experiment.of(dataset, recipe, config)
    if options.budget is not None:
        experiment = _within(console, experiment, options.budget)
    minutes = foretell(console, experiment, runs)
    if minutes > _LONG and not options.small and _can_be_small(options.dataset):
        say(console, "  --small trains and plans as far as two cores can in minutes")
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
    say(console, f"budget of {minutes:g} min a network: timing a few steps ...")
    recipe = fit_budget(experiment, minutes)
    say(
        console,
        f"  {recipe.training.steps:,} steps of a transformer, "
        f"{recipe.critic.steps:,} of a critic where there is one",
    )
    return attrs.evolve(experiment, recipe=recipe)


def configure(options: D4rl) -> tuple[Recipe, RunConfig]:
    """Turn options into settings, and set the number of threads if it is given."""
    recipe = options.recipe
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
        device=_check_device(options.device),
        output=options.output,
    )


def _check_device(device: str) -> str:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"expected a device that torch can use, got {device!r} ({reason}); "
            "cpu always works"
        ) from error
    return device


def _execute(
    console: Console, experiment: Experiment, run: Run, track: Track
) -> RunResult:
    result = experiment.execute(run, track)
    mean = sum(result.scores or result.returns) / len(result.returns)
    unit = "return" if result.scores is None else "score"
    say(console, f"{run.method} seed {run.seed}: {unit} {mean:.1f}")
    return result


def _load(name: str, env: str | None, track: Track) -> Dataset:
    """Load a dataset, following its collection or download if there must be one."""
    entry = d4rl_entries().get(name)
    if entry and not d4rl_file(entry).is_file():
        with track(f"downloading {entry.file}, %", 100) as advance:
            return load_dataset(name, env=env, progress=partial(_follow, advance))
    if name not in SOURCES or is_local(name):
        return load_dataset(name, env=env)
    with track(f"collecting {name}", SOURCES[name].transitions) as advance:
        return load_dataset(
            name, env=env, progress=lambda done, _: advance(done, "transitions")
        )


def _follow(advance: Advance, done: int, total: int) -> None:
    """Show bytes as a share of the whole, where that is known."""
    share = 100 * done // total if total else 0
    advance(share, f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")
