"""Sample whole continuations and take the best: planning without pruning."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tt_plan._beam import beam_search
from tt_plan._history import Plan
from tt_plan._interface import Evaluator, Sampler, SequenceModel, State


def best_of_n(
    model: SequenceModel[State],
    prefix: Tensor,
    evaluator: Evaluator,
    *,
    samplers: Sequence[Sampler],
    horizon: int,
    n: int = 128,
    discount: float = 0.99,
    stop: int | None = None,
    generator: torch.Generator | None = None,
) -> Plan:
    """Draw `n` continuations of each prefix independently and rank them by score.

    It is a beam search with one candidate a beam, in which nothing is ever cut: the
    arguments, the score and the errors are those of `beam_search`.
    """
    return beam_search(
        model,
        prefix,
        evaluator,
        samplers=samplers,
        horizon=horizon,
        beam=n,
        candidates=1,
        discount=discount,
        stop=stop,
        generator=generator,
    )
