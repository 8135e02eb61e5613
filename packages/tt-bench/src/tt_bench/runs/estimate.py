"""Guess how long runs will take."""

from collections.abc import Sequence
from pathlib import Path

from tt_bench.methods import METHODS, model_file, untrained
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run


def estimate_seconds(
    experiment: Experiment, runs: Sequence[Run], *, peak: float
) -> float:
    """Guess the seconds that runs will take at a matmul peak.

    Args:
        experiment: what they belong to.
        runs: those not finished yet.
        peak: operations a second, from `matmul_peak`.
    """
    seconds = float(len(runs))
    training: dict[Path, float] = {}
    for run in runs:
        context, method = experiment.context(run), METHODS[run.method]
        seconds += method.seconds(context, experiment.config.episodes, peak)
        for network in untrained(context, method):
            file = model_file(context, network)
            training[file] = network.seconds(context, peak)
    return seconds + sum(training.values())
