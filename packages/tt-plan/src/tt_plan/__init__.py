"""Plan with any next-token model: find the continuation that is worth most."""

from tt_plan._beam import beam_search
from tt_plan._best_of_n import best_of_n
from tt_plan._critic_evaluators import Advantage, QValue
from tt_plan._evaluators import (
    Expectation,
    FunctionEvaluator,
    Goal,
    LogLikelihood,
    Quantile,
)
from tt_plan._history import Plan
from tt_plan._interface import Evaluator, Outcome, Sampler, SequenceModel
from tt_plan._likelihood import likelihood_search
from tt_plan._record import Recorded
from tt_plan._samplers import (
    greedy,
    likeliest,
    nucleus,
    tail_cut,
    temperature,
    top_k,
)

__all__ = [
    "Advantage",
    "Evaluator",
    "Expectation",
    "FunctionEvaluator",
    "Goal",
    "LogLikelihood",
    "Outcome",
    "Plan",
    "QValue",
    "Quantile",
    "Recorded",
    "Sampler",
    "SequenceModel",
    "beam_search",
    "best_of_n",
    "greedy",
    "likeliest",
    "likelihood_search",
    "nucleus",
    "tail_cut",
    "temperature",
    "top_k",
]
