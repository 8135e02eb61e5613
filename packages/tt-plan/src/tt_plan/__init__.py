"""Plan with any next-token or dynamics model: find what is worth most."""

from tt_plan._action_plan import ActionPlan
from tt_plan._beam import beam_search
from tt_plan._best_of_n import best_of_n
from tt_plan._cem import cem
from tt_plan._critic_evaluators import Advantage, QValue
from tt_plan._evaluators import (
    Expectation,
    FunctionEvaluator,
    Goal,
    LogLikelihood,
    Quantile,
)
from tt_plan._history import Plan
from tt_plan._interface import (
    DynamicsModel,
    Evaluator,
    Outcome,
    Proposal,
    Sampler,
    SequenceModel,
    Tokenizer,
)
from tt_plan._likelihood import gaussian_kernel, likelihood_search
from tt_plan._mppi import mppi
from tt_plan._record import Recorded
from tt_plan._samplers import (
    greedy,
    likeliest,
    nucleus,
    tail_cut,
    temperature,
    top_k,
)
from tt_plan._sequence_dynamics import SequenceDynamics, Sequences
from tt_plan._shooting import random_shooting

__all__ = [
    "ActionPlan",
    "Advantage",
    "DynamicsModel",
    "Evaluator",
    "Expectation",
    "FunctionEvaluator",
    "Goal",
    "LogLikelihood",
    "Outcome",
    "Plan",
    "Proposal",
    "QValue",
    "Quantile",
    "Recorded",
    "Sampler",
    "SequenceDynamics",
    "SequenceModel",
    "Sequences",
    "Tokenizer",
    "beam_search",
    "best_of_n",
    "cem",
    "gaussian_kernel",
    "greedy",
    "likeliest",
    "likelihood_search",
    "mppi",
    "nucleus",
    "random_shooting",
    "tail_cut",
    "temperature",
    "top_k",
]
