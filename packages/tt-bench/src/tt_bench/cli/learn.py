"""The command `learn`: train entries of the speedrun and print its tables."""

import math
from collections.abc import Sequence
from pathlib import Path

import attrs
from attrs.validators import ge, lt, optional
from rich.console import Console

from tt_bench.cli.compare import DEFAULT_DATASET
from tt_bench.cli.datasets import load_shown
from tt_bench.cli.progress import say, shown_on
from tt_bench.learning import (
    ENTRIES,
    PARTS,
    Entry,
    Learned,
    final_targets,
    learn,
    tabulate_nats,
    tabulate_targets,
)
from tt_bench.runs import MOST_SEEDS, as_path

_BASE = "baseline"


def _check_targets(
    _: object, __: object, targets: tuple[float, float, float, float] | None
) -> None:
    if targets is not None and not all(0.0 < nats < math.inf for nats in targets):
        raise ValueError(f"expected targets in nats above 0; got {targets}")


@attrs.frozen
class Learn:
    """Train ways to learn, and say what each needs to know as much as the baseline.

    An entry is a network and its training; all else is the recipe of the dataset. Each
    trains on one thread, with every twentieth episode held out. Finished trainings are
    found in the output folder and reused; after Ctrl-C the same command continues.

    Attributes:
        entries: Which to train, of the table in docs/learning.md.
        dataset: D4RL's name, path of an HDF5 file of D4RL's layout, or Minari id,
            local, remote or made here (see `collect --help`).
        seeds: Training seeds of each entry.
        first_seed: The first of them; several processes can so share the seeds.
        targets: Nats of observation, action, reward and value to reach; by default
            those that the entry `baseline` ends with.
        steps: Training steps of every entry, in place of its own.
        output: Folder for results and trained models.
    """

    entries: tuple[str, ...] = ("baseline", "winner")
    dataset: str = DEFAULT_DATASET
    seeds: int = attrs.field(default=2, validator=ge(1))
    first_seed: int = attrs.field(default=0, validator=[ge(0), lt(MOST_SEEDS)])
    targets: tuple[float, float, float, float] | None = attrs.field(
        default=None, validator=_check_targets
    )
    steps: int | None = attrs.field(default=None, validator=optional(ge(1)))
    output: Path = attrs.field(default=Path(".tt"), converter=as_path)


def run_learn(options: Learn, console: Console) -> None:
    """Train every entry with every seed that is not finished, and print the tables."""
    entries = _choose(options)
    say(console, f"dataset {options.dataset}")
    for name, entry in entries.items():
        steps = f"{entry.training.steps:,} steps, {options.seeds} x"
        say(console, f"{name}: {entry.title}, {steps}")
    notify = shown_on(console)
    dataset = load_shown(notify, options.dataset)
    say(console, f"  {dataset.source}")
    runs = []
    for name, entry in entries.items():
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            output = options.output
            run = learn(dataset, name, entry, seed, output=output, notify=notify)
            say(console, _describe(run))
            runs.append(run)
    _print(options, runs, console)
    say(console, f"results and models: {options.output}")


def _choose(options: Learn) -> dict[str, Entry]:
    """Look up the entries, with the steps that were asked for."""
    unknown = [name for name in options.entries if name not in ENTRIES]
    if unknown or not options.entries:
        raise ValueError(
            f"expected entries out of {', '.join(ENTRIES)}; got "
            f"{', '.join(unknown) or 'none'}"
        )
    chosen = {name: ENTRIES[name] for name in options.entries}
    if options.steps is None:
        return chosen
    return {name: _lasting(entry, options.steps) for name, entry in chosen.items()}


def _lasting(entry: Entry, steps: int) -> Entry:
    return attrs.evolve(entry, training=attrs.evolve(entry.training, steps=steps))


def _describe(run: Learned) -> str:
    end = run.end
    return (
        f"{run.entry} seed {run.seed}: {end.tokens / 1e6:.2f} M tokens in "
        f"{end.cpu_seconds:.0f} CPU seconds"
    )


def _print(options: Learn, runs: Sequence[Learned], console: Console) -> None:
    console.print(tabulate_nats(runs), highlight=False)
    base = [run for run in runs if run.entry == _BASE]
    if options.targets is not None:
        targets, whose = dict(zip(PARTS, options.targets, strict=True)), "as given"
    elif base:
        targets, whose = final_targets(base), f"what {_BASE} ends with"
    else:
        say(console, f"no targets: give --targets, or the entry {_BASE} as well")
        return
    numbers = ", ".join(f"{part} {target:.3f}" for part, target in targets.items())
    say(console, f"targets, {whose}: {numbers}")
    console.print(tabulate_targets(runs, targets, _BASE), highlight=False)
