"""From a dataset to an agent: one file a method, with its settings, cost and pace."""

from tt_bench.methods.cloned_policy import ClonedPolicy
from tt_bench.methods.cloning import clone, clone_all
from tt_bench.methods.costs import (
    PlanShape,
    cached_work,
    critic_operations,
    naive_tokens,
)
from tt_bench.methods.counts import whole
from tt_bench.methods.critic import CRITIC, find_critic
from tt_bench.methods.ensemble import ENSEMBLE, find_ensemble
from tt_bench.methods.ensemble_dynamics import EnsembleDynamics
from tt_bench.methods.gaussian_ensemble import EnsembleSettings
from tt_bench.methods.iql import IQL
from tt_bench.methods.loggers import check_loggers
from tt_bench.methods.method import (
    Context,
    Method,
    Network,
    Prepared,
    Watching,
    is_trained,
    model_file,
    model_folder,
    run_settings,
    untrained,
)
from tt_bench.methods.notes import Losses
from tt_bench.methods.planners import beam_planner, samplers
from tt_bench.methods.recipes import recipe_for
from tt_bench.methods.settings import (
    VERSIONS,
    CloningConfig,
    ModelSettings,
    PlannerSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
    part_name,
)
from tt_bench.methods.table import METHODS, default_settings, own_settings
from tt_bench.methods.task import Task, find_task
from tt_bench.methods.tokens import HELD_OUT_EVERY, as_rows, held_out_of
from tt_bench.methods.training_log import read_log
from tt_bench.methods.transformer import (
    TRANSFORMER,
    find_transformer,
    train_transformer,
)
from tt_bench.methods.transformer_log import HELD_OUT
from tt_bench.methods.tt import TT, TT_AND_Q

__all__ = [
    "CRITIC",
    "ENSEMBLE",
    "HELD_OUT",
    "HELD_OUT_EVERY",
    "IQL",
    "METHODS",
    "TRANSFORMER",
    "TT",
    "TT_AND_Q",
    "VERSIONS",
    "ClonedPolicy",
    "CloningConfig",
    "Context",
    "EnsembleDynamics",
    "EnsembleSettings",
    "Losses",
    "Method",
    "ModelSettings",
    "Network",
    "PlanShape",
    "PlannerSettings",
    "Prepared",
    "Recipe",
    "Task",
    "TokenizerSettings",
    "TrainingSettings",
    "Watching",
    "as_rows",
    "beam_planner",
    "cached_work",
    "check_loggers",
    "clone",
    "clone_all",
    "critic_operations",
    "default_settings",
    "find_critic",
    "find_ensemble",
    "find_task",
    "find_transformer",
    "held_out_of",
    "is_trained",
    "model_file",
    "model_folder",
    "naive_tokens",
    "own_settings",
    "part_name",
    "read_log",
    "recipe_for",
    "run_settings",
    "samplers",
    "train_transformer",
    "untrained",
    "whole",
]
