"""Datasets, environments, agents, scores and reports for trajectory transformers."""

from tt_bench.agents.simple import FunctionAgent, RandomAgent
from tt_bench.agents.transformer import TransformerAgent
from tt_bench.catalogue import (
    REFERENCE_RETURNS,
    D4rlEntry,
    find_d4rl,
    reference_returns,
)
from tt_bench.data.collect import collect
from tt_bench.data.d4rl import load_d4rl
from tt_bench.data.dataset import Dataset
from tt_bench.data.episodes import Episodes
from tt_bench.data.hdf5 import read_hdf5
from tt_bench.data.load import load_dataset
from tt_bench.data.minari import read_minari
from tt_bench.data.minari_write import MinariNotes, write_minari
from tt_bench.data.sources import SOURCES, Source
from tt_bench.evaluation.evaluate import Evaluation, Step, evaluate
from tt_bench.interface import Advance, Agent, Planned, Planner, Tokenizer, Track
from tt_bench.methods.cloning import ClonedPolicy, clone
from tt_bench.methods.recipes import recipe_for
from tt_bench.methods.settings import (
    CloningConfig,
    ModelSettings,
    PlannerSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from tt_bench.methods.table import METHODS
from tt_bench.report.published import Published, published
from tt_bench.report.table import print_report, tabulate
from tt_bench.results.result import RunResult, load_result, save_result
from tt_bench.results.scores import normalise
from tt_bench.results.summary import Row, summarise
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run, RunConfig, plan_runs

__all__ = [
    "METHODS",
    "REFERENCE_RETURNS",
    "SOURCES",
    "Advance",
    "Agent",
    "ClonedPolicy",
    "CloningConfig",
    "D4rlEntry",
    "Dataset",
    "Episodes",
    "Evaluation",
    "Experiment",
    "FunctionAgent",
    "MinariNotes",
    "ModelSettings",
    "Planned",
    "Planner",
    "PlannerSettings",
    "Published",
    "RandomAgent",
    "Recipe",
    "Row",
    "Run",
    "RunConfig",
    "RunResult",
    "Source",
    "Step",
    "Tokenizer",
    "TokenizerSettings",
    "Track",
    "TrainingSettings",
    "TransformerAgent",
    "clone",
    "collect",
    "evaluate",
    "find_d4rl",
    "load_d4rl",
    "load_dataset",
    "load_result",
    "normalise",
    "plan_runs",
    "print_report",
    "published",
    "read_hdf5",
    "read_minari",
    "recipe_for",
    "reference_returns",
    "save_result",
    "summarise",
    "tabulate",
    "write_minari",
]
