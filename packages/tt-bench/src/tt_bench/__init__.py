"""Datasets, environments, agents, scores and reports for trajectory transformers."""

from tt_bench._agent import TransformerAgent
from tt_bench._cloning import ClonedPolicy, CloningConfig, clone
from tt_bench._collect import collect
from tt_bench._d4rl import load_d4rl
from tt_bench._d4rl_names import D4rlEntry, find_d4rl
from tt_bench._dataset import Dataset
from tt_bench._episodes import Episodes
from tt_bench._evaluate import Evaluation, Step, evaluate
from tt_bench._experiment import Experiment
from tt_bench._hdf5 import read_hdf5
from tt_bench._interface import Advance, Agent, Planned, Planner, Tokenizer, Track
from tt_bench._load import load_dataset
from tt_bench._methods import METHODS
from tt_bench._minari import read_minari
from tt_bench._minari_write import MinariNotes, write_minari
from tt_bench._policies import FunctionAgent, RandomAgent
from tt_bench._published import Published, published
from tt_bench._recipes import recipe_for
from tt_bench._report import Row, print_report, summarise, tabulate
from tt_bench._results import RunResult, load_result, save_result
from tt_bench._run_config import Run, RunConfig, plan_runs
from tt_bench._scores import REFERENCE_RETURNS, normalise, reference_returns
from tt_bench._settings import (
    ModelSettings,
    PlannerSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from tt_bench._sources import SOURCES, Source

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
