"""What a prediction costs: the negative log-likelihood of the tokens that followed.

Axes: B sequences, T tokens of a sequence (a multiple of P), P positions of a
transition, V bins.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from tt_model.training.data import IGNORED, Batch


def next_token_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Average the weighted negative log-likelihood over the targets that count.

    The sum of weight times -log p is divided by the number of targets that are not
    IGNORED, not by the sum of their weights: as in the paper's code (arXiv 2106.02039)
    a weight of 5 on actions raises their share of the gradient. That code divides by
    all positions, ignored ones included, which makes short episodes count less.

    Args:
        logits: [B, T, V + 1], beginning at position 0 of a transition.
        targets: [B, T] the tokens that follow, or IGNORED.
        weights: Weight [P] of a target at each position of a transition.

    Returns:
        The loss, a scalar in nats per token where all weights are 1.
    """
    losses = _negative_log_likelihoods(logits, targets, len(weights))
    count = (targets != IGNORED).sum().clamp(min=1)
    return (losses.sum((0, 1)) * weights.roll(-1)).sum() / count


@torch.no_grad()
def position_losses(
    predict: Callable[[Tensor], Tensor], batches: Iterable[Batch], transition: int
) -> Tensor:
    """Average the negative log-likelihood at each position of a transition.

    Args:
        predict: Maps tokens [B, T] to logits [B, T, V + 1].
        batches: What to predict.
        transition: Positions P of a transition.

    Returns:
        Nats per token [P], float64 on the CPU; NaN at a position with no target.
    """
    total = torch.zeros(transition, dtype=torch.float64)
    count = torch.zeros(transition, dtype=torch.int64)
    for inputs, targets in batches:
        losses = _negative_log_likelihoods(predict(inputs), targets, transition)
        known = (targets != IGNORED).view(losses.shape)
        total += losses.sum((0, 1)).cpu()
        count += known.sum((0, 1)).cpu()
    return (total / count).roll(1)


def _negative_log_likelihoods(logits: Tensor, targets: Tensor, size: int) -> Tensor:
    """Return -log p of every target [B, T / P, P], 0 where it is IGNORED.

    The last axis begins at position 1 and ends at position 0 of the next transition.
    """
    losses = F.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none"
    )
    return losses.view(len(targets), -1, size)
