"""Runs of methods with seeds: planned, executed, resumed, found again."""

from tt_bench.runs.budget import fit_budget, is_noted
from tt_bench.runs.comparison import compare, run_all, within_budget
from tt_bench.runs.estimate import estimate_seconds
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import (
    MOST_SEEDS,
    Run,
    RunConfig,
    as_path,
    plan_runs,
)
from tt_bench.runs.suites import SUITES
from tt_bench.runs.threads import choose_threads

__all__ = [
    "MOST_SEEDS",
    "SUITES",
    "Experiment",
    "Run",
    "RunConfig",
    "as_path",
    "choose_threads",
    "compare",
    "estimate_seconds",
    "fit_budget",
    "is_noted",
    "plan_runs",
    "run_all",
    "within_budget",
]
