"""What each method came to on each dataset, and each run by itself."""

from collections.abc import Mapping

import numpy as np

from tt_bench.methods import METHODS
from tt_bench.pages.boards import Board, Variant
from tt_bench.pages.document import Cell, Column, Spread, Table, filled
from tt_bench.pages.words import plain
from tt_bench.results import REPLICATES, Estimate, RunResult, estimate, mean_of_tasks

FEWER = 2_000  # replicates of what there is much of
ENOUGH = 5  # runs for an interval
INTERVALS = "In brackets: 95 % bootstrap intervals, which the first section explains."
HOW_INTERVALS_ARE_MADE = (
    "No mean stands here without its interval. Intervals are the 2.5 and 97.5 "
    f"percentiles of a stratified bootstrap with {REPLICATES:,} replicates "
    f"({FEWER:,} for profiles and probabilities), as rliable makes them (arXiv "
    "2108.13264): of each dataset as many runs as there are, one a training seed, are "
    "drawn with replacement, and the statistic is computed of what was drawn.",
    "Where there is one run, its episodes are drawn instead: such an interval says how "
    "other episodes may come out, and nothing of other training seeds. Where there is "
    "one number, there is no interval, and it is said so.",
    f"Fewer than {ENOUGH} runs are too few for an interval: of scores with a normal "
    "distribution it holds the true mean in 49 % of all cases with 2 runs, 75 % with "
    "3, 81 % with 4, 83 % with 5 and 90 % with 10, not in 95 %. It is shown all the "
    "same, and below each table stands which methods have too few.",
)


def spread(found: Estimate) -> Spread:
    """Return an estimate as a cell."""
    return Spread(*(float(part) for part in found))


def of_variant(variant: Variant) -> Spread:
    """Estimate the mean of a variant's runs on its dataset."""
    return spread(estimate(mean_of_tasks, [variant.numbers]))


def tabulate_board(board: Board, number: int) -> Table:
    """Lay out the methods on one dataset, a row each."""
    title = f"{board.unit.capitalize()}s: {board.title}"
    columns = (
        *(Column("method"), Column(f"mean {board.unit}"), Column("interval over")),
        Column("runs x episodes"),
        *(Column("best run"), Column("worst run"), Column("episode length", 0)),
        *(Column("success, %"), Column("training steps", 0)),
        *(Column("minutes a run"), Column("act, ms")),
    )
    rows = tuple(map(_row, board.variants))
    minutes = "Minutes are of training and evaluation."
    trained = [v for v in board.variants if is_trained(v.method)]
    few = too_few({v.label: len(v.runs) for v in trained})
    parts = (_scale(board), INTERVALS, few, minutes)
    note = " ".join(filter(None, parts))
    return Table(f"scores-{number}", title, *filled(columns, rows), note)


def too_few(runs: Mapping[str, int]) -> str:
    """Name what was trained with fewer seeds than its interval wants."""
    few = [name for name, count in runs.items() if count < ENOUGH]
    if not few:
        return ""
    which = "all that is trained" if len(few) == len(runs) else ", ".join(few)
    return f"Fewer training seeds than the {ENOUGH} that an interval wants: {which}."


def is_trained(method: str) -> bool:
    """Say whether a method has training seeds, as far as is known."""
    return method not in METHODS or METHODS[method].trained


def _row(variant: Variant) -> tuple[Cell, ...]:
    lengths = [[float(n) for n in run.lengths] for run in variant.runs]
    minutes = [[_wall(run)] for run in variant.runs]
    return (
        *(variant.label, of_variant(variant), _over(variant), _size(variant)),
        *(*_best_and_worst(variant), _mean(lengths), _success(variant)),
        *(int(variant.runs[0].budget["steps"]), _mean(minutes), _acting(variant)),
    )


def _best_and_worst(variant: Variant) -> tuple[Cell, Cell]:
    """Return the means of the best and the worst run, where there are several."""
    means = [float(np.mean(run)) for run in variant.numbers]
    return (max(means), min(means)) if len(means) > 1 else (None, None)


def _mean(runs: list[list[float]]) -> Spread:
    return spread(estimate(mean_of_tasks, [runs]))


def _success(variant: Variant) -> Cell:
    runs = [run.successes for run in variant.runs]
    shares = [[100.0 * each for each in run] for run in runs if run]
    return _mean(shares) if len(shares) == len(runs) else None


def _acting(variant: Variant) -> Cell:
    """Estimate the milliseconds of an action, evaluated in parallel."""
    seconds = [run.seconds.get("act") for run in variant.runs]
    known = [[1e3 * each] for each in seconds if each is not None]
    return _mean(known) if len(known) == len(seconds) else None


def _wall(run: RunResult) -> float:
    return (run.seconds.get("train", 0.0) + run.seconds.get("evaluate", 0.0)) / 60


def _over(variant: Variant) -> str:
    runs = len(variant.runs)
    return f"{runs} runs" if runs > 1 else episodes(len(variant.numbers[0]))


def episodes(count: int) -> str:
    """Count episodes in words."""
    return f"{count:,} episodes" if count > 1 else "one episode"


def _size(variant: Variant) -> str:
    return f"{len(variant.runs)} x {len(variant.numbers[0])}"


def _scale(board: Board) -> str:
    reference = board.first.reference
    if reference is None or board.first.scores is None:
        return "Returns of episodes, undiscounted: no references are known."
    return (
        f"0 is the return of a random policy, {reference[0]:,.4g}, and 100 that of the "
        f"dataset's expert, {reference[1]:,.4g}."
    )


def tabulate_runs(board: Board, number: int) -> Table:
    """Lay out every run: what it came to, when, where and with what."""
    titles = (
        *("method", "seed", f"mean {board.unit}", "interval over", "mean return"),
        *("steps", "training minutes", "device", "threads", "finished", "note"),
    )
    decimals = {"seed": 0, "steps": 0}
    columns = tuple(Column(title, decimals.get(title, 1)) for title in titles)
    rows = tuple(_run_row(v, run) for v in board.variants for run in v.runs)
    title = f"Runs: {board.title}"
    note = "Intervals are over the episodes of a run."
    return Table(f"runs-{number}", title, columns, rows, note, folded=True)


def _run_row(variant: Variant, run: RunResult) -> tuple[Cell, ...]:
    numbers = run.scores or run.returns
    return (
        *(
            variant.label,
            run.seed,
            _mean([numbers]),
            episodes(len(numbers)),
            _mean([run.returns]),
        ),
        *(run.budget["steps"], run.budget["minutes"]),
        *_machine(run.machine),
        *(plain(run.finished, 40), plain(run.note)),
    )


def _machine(machine: Mapping[str, object]) -> tuple[Cell, Cell]:
    device, threads = (machine.get(name, "-") for name in ("device", "threads"))
    return plain(device, 60), plain(threads, 20)
