"""How a training is watched besides its file: who else is told, and its score.

What is watched is trained as if nobody watched it: to the same bits, and its clock
stands while it is scored.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import torch
from attrs.validators import optional

from tt_bench.evaluation import episode_seeds, evaluate
from tt_bench.interface import Agent, Notify, silent
from tt_bench.methods.counts import whole
from tt_bench.methods.loggers import Loggers
from tt_bench.methods.method import Context
from tt_bench.methods.training_log import TrainingLog
from tt_bench.results import estimate, mean_of_tasks, normalise

SCORES = (
    *("score", "score_low", "score_high"),
    *("return", "return_low", "return_high", "scored"),
)
"""Columns of a log: mean score and return of episodes with the ends of an interval of
95 % over the episodes, and the method."""

Row: TypeAlias = dict[str, float | str]
Measure: TypeAlias = Callable[[Any], Row]


@attrs.frozen
class Watch:
    """Who watches a training.

    Attributes:
        to: loggers by name that are told what its log is told.
        every: steps from one score to the next; None for no scores.
        measure: scores what was trained so far; None where nothing can.
        notify: is told of loggers that fail.
    """

    to: tuple[str, ...] = ()
    every: int | None = attrs.field(default=None, validator=optional(whole(1)))
    measure: Measure | None = None
    notify: Notify = silent

    @contextmanager
    def opened(self, folder: Path, columns: Sequence[str]) -> Iterator[TrainingLog]:
        """Open the log of a training in its folder."""
        loggers = Loggers(self.to, folder, self.notify)
        if self.measure is not None and self.every is not None:
            columns = (*columns, *SCORES)
        finished = False
        try:
            yield TrainingLog(folder, columns, loggers)
            finished = True
        finally:
            loggers.close(finished=finished)

    def scores(self, step: int, since: int, trained: Callable[[], Any]) -> Row:
        """Score what is trained if that is due at one of the steps after `since`."""
        every, measure = self.every, self.measure
        if every is None or measure is None or step // every == since // every:
            return {}
        return measure(trained())


def watched(context: Context, make_agent: Callable[[Any], Agent] | None) -> Watch:
    """Watch a training as its context wants; `make_agent` acts with what it trains."""
    asked = context.watching

    def measure(trained: Any) -> Row:
        assert make_agent is not None
        return score(context, make_agent(trained))

    known = None if make_agent is None else measure
    return Watch(asked.to, asked.every, known, context.notify)


def score(context: Context, agent: Agent) -> Row:
    """Play the episodes that a run plays in the end."""
    asked, device = context.watching, context.device
    seeds = episode_seeds(context.seed, asked.episodes)
    with torch.random.fork_rng([device] if device.startswith("cuda") else []):
        make_env = context.dataset.make_env
        outcome = evaluate(agent, make_env, seeds, max_steps=asked.max_steps)
    found = _spread("return", outcome.returns.tolist())
    if context.dataset.reference is not None:
        scores = normalise(outcome.returns, context.dataset.reference)
        found |= _spread("score", scores.tolist())
    return found | {"scored": asked.method}


def _spread(name: str, episodes: list[float]) -> Row:
    """Average episodes, with an interval."""
    found = map(float, estimate(mean_of_tasks, [[episodes]]))
    return dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))
