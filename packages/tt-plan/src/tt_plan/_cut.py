"""Score the candidates of a search and keep the best."""

import torch
from torch import Tensor

from tt_plan._interface import Evaluator
from tt_plan._transition import Transition


def score(
    evaluator: Evaluator,
    drawn: Transition,
    returns: Tensor,
    discount: float,
    step: int,
) -> tuple[Tensor, Tensor]:
    """Return the discounted rewards so far [R], and with the value added [R].

    `returns` [R] are those before this transition, the `step`-th from 0. A row that has
    ended earns nothing; an empty slot gets minus infinity.
    """
    reward, value = evaluator(drawn.tokens, drawn.logits)
    if reward.shape != returns.shape or value.shape != returns.shape:
        raise ValueError(
            f"the evaluator must return a reward and a value [{len(returns)}], but "
            f"their shapes are {tuple(reward.shape)} and {tuple(value.shape)}"
        )
    silent = drawn.ended | drawn.empty
    reward = reward.masked_fill(silent, 0.0)
    value = value.masked_fill(silent, 0.0)
    returns = returns + discount**step * reward
    returns = returns.masked_fill(drawn.empty, -torch.inf)
    return returns, returns + discount ** (step + 1) * value


def cut(scores: Tensor, environments: int, beam: int) -> Tensor:
    """Return the rows [E * B] of the `beam` best scores [R] of each environment.

    They are best first; of equal scores the earlier row comes first.
    """
    table = scores.view(environments, -1)  # [E, B * C]
    best = table.sort(dim=1, descending=True, stable=True).indices[:, :beam]
    offset = torch.arange(0, len(scores), table.shape[1], device=scores.device)
    return (best + offset[:, None]).flatten()
