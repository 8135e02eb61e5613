"""What a run leaves behind: its JSON, its place, its score, its statistics."""

from tt_bench.results.entries import is_number, is_whole
from tt_bench.results.result import RunResult, load_result, save_result
from tt_bench.results.scores import normalise
from tt_bench.results.statistics import (
    REPLICATES,
    Episodes,
    Estimate,
    estimate,
    interquartile_mean,
    mean_of_tasks,
    median_of_tasks,
    performance_profile,
    probability_of_improvement,
    run_means,
)
from tt_bench.results.store import Store
from tt_bench.results.summary import Row, check_some, summarise, summarise_each

__all__ = [
    "REPLICATES",
    "Episodes",
    "Estimate",
    "Row",
    "RunResult",
    "Store",
    "check_some",
    "estimate",
    "interquartile_mean",
    "is_number",
    "is_whole",
    "load_result",
    "mean_of_tasks",
    "median_of_tasks",
    "normalise",
    "performance_profile",
    "probability_of_improvement",
    "run_means",
    "save_result",
    "summarise",
    "summarise_each",
]
