"""Agents played in environments: scored, recorded, resumed."""

from tt_bench.evaluation.episodes import (
    Evaluation,
    Step,
    episode_seeds,
    evaluate,
    whole_seeds,
)
from tt_bench.evaluation.exchange import Environment
from tt_bench.evaluation.loop import Moment, play, reset
from tt_bench.evaluation.resume import OtherEpisodesError, ResumingAgent
from tt_bench.evaluation.rollout import Foreseen, Rollout, record

__all__ = [
    "Environment",
    "Evaluation",
    "Foreseen",
    "Moment",
    "OtherEpisodesError",
    "ResumingAgent",
    "Rollout",
    "Step",
    "episode_seeds",
    "evaluate",
    "play",
    "record",
    "reset",
    "whole_seeds",
]
