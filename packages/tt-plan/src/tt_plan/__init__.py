"""Plan with any next-token model: find the continuation that is worth most."""

from tt_plan._advantage import Advantage
from tt_plan._beam import beam_search
from tt_plan._best_of_n import best_of_n
from tt_plan._expectation import Expectation
from tt_plan._goal import Goal
from tt_plan._greedy import greedy
from tt_plan._history import Plan
from tt_plan._interface import Evaluator, Outcome, Sampler, SequenceModel
from tt_plan._likeliest import likeliest
from tt_plan._likelihood import likelihood_search
from tt_plan._log_likelihood import LogLikelihood
from tt_plan._nucleus import nucleus
from tt_plan._q_value import QValue
from tt_plan._quantile import Quantile
from tt_plan._record import Recorded
from tt_plan._tail_cut import tail_cut
from tt_plan._temperature import temperature
from tt_plan._top_k import top_k

__all__ = [
    "Advantage",
    "Evaluator",
    "Expectation",
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
