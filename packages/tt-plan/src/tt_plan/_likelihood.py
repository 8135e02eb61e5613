"""Find the continuation that the model finds most likely.

Unlike a beam search over transitions this one branches, and cuts, at every token, so
that a beam as wide as the tree finds the likeliest sequence there is.

Axes: E environments, B beams of each, V tokens, W entries of a logits row.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from tt_plan._checked import check_plan
from tt_plan._history import Cut, Plan, flat_rows, trace_back
from tt_plan._interface import SequenceModel, State
from tt_plan._middles import Middles, as_middles
from tt_plan._reader import Reader
from tt_plan._rows import finite_or_least
from tt_plan._validate import (
    check_above_zero,
    check_counts,
    check_kernel_size,
    check_kernels,
    check_prefix,
)

_OTHERWISE = "no sequence has a possible token at every place; try more beams"


def likelihood_search(
    model: SequenceModel[State],
    prefix: Tensor,
    *,
    transition: int,
    horizon: int,
    beam: int = 128,
    stop: int | None = None,
    kernels: Sequence[Tensor | None] | None = None,
) -> Plan:
    """Find the likeliest continuation, keeping the `beam` likeliest at every token.

    The score is the log-likelihood, in nats, of all tokens after the prefix, that of
    the stop token included where a sequence ends. It draws nothing at random. A
    sequence whose next token has no distribution, or that has none to go on with, is
    dropped.

    The likeliest of many bins may be a spike between unlikely ones, such as the bin at
    the end of a range. With a kernel what counts at a position is how likely the number
    is, as a kernel density says from all bins around: `gaussian_kernel` makes one.

    Args:
        model: the next-token model; it runs without gradients.
        prefix: int64 [E, T], T >= 1; T mod P is the position of the next token.
        transition: P, tokens of a transition.
        horizon: transitions to plan, the one in progress included.
        beam: sequences to keep for each environment.
        stop: the stop token, the last of the model's logits; None if there is none.
        kernels: for each of the P positions None or weights [V, V], of floats of at
            least 0: a token's likelihood is the sum of the probabilities of all V
            tokens, times its row. The stop token is none of them and keeps its own.

    Raises:
        ValueError: a setting out of its range, shapes that do not fit together, or an
            environment without a sequence of finite score.
    """
    check_prefix(prefix)
    check_counts(transition=transition, horizon=horizon, beam=beam)
    environments, length = prefix.shape
    if kernels is None:
        kernels = [None] * transition
    check_kernels(kernels, transition)
    known = length % transition
    indices = range(known, horizon * transition)
    with torch.no_grad():
        drawn, scores = _search(model, prefix, indices, kernels, beam, stop)
    given = prefix[:, None, length - known :].expand(-1, beam, -1)
    tokens = torch.cat([given, drawn.view(environments, beam, -1)], 2)
    beams = tokens.view(environments, beam, horizon, transition)
    plan = Plan.ranked(beams, scores)
    with torch.no_grad():
        check_plan(plan, model, prefix, stop, _OTHERWISE)
    return plan


def gaussian_kernel(middles: Middles, width: float) -> Tensor:
    """Make the kernel [V, V] that sums probabilities around each number.

    Weights fall as a Gaussian with the distance of two numbers, from 1 for none.

    Args:
        middles: numbers [V] that tokens stand for.
        width: their standard deviation, in the numbers' unit.

    Raises:
        ValueError: the width is no finite number above 0, or there is no number, or one
            that is not finite.
    """
    numbers = as_middles("middles", middles, "V").double()
    if not numbers.isfinite().all():
        raise ValueError("middles must be finite, but some are not")
    check_above_zero("width", width)
    away = (numbers[:, None] - numbers) / width
    return torch.exp(-0.5 * away.square()).float()


def _search(
    model: SequenceModel[State],
    prefix: Tensor,
    indices: range,
    kernels: Sequence[Tensor | None],
    beam: int,
    stop: int | None,
) -> tuple[Tensor, Tensor]:
    """Return the tokens [E * B, indices] of the likeliest sequences, and scores [E, B].

    `indices` count tokens from the start of the transition in progress.
    """
    logits, reader = Reader.start(model, prefix, stop)
    every = torch.arange(len(prefix) * beam, device=logits.device)
    rows = every // beam
    logits = logits.index_select(0, rows)
    reader.select(rows)
    scores = _first_of_each(len(prefix), beam, logits)
    ended = torch.zeros_like(rows, dtype=torch.bool)
    cuts: list[Cut] = []
    for index in indices:
        position = index % len(kernels)
        likelihoods = _log_likelihoods(logits, kernels[position], position, ended, stop)
        scores, rows, tokens = _cut(scores, likelihoods)
        cuts.append(Cut(tokens[:, None], rows))
        ended = ended.index_select(0, rows)
        if position == 0 and stop is not None:
            ended = ended | (tokens == stop)
        if index != indices[-1]:
            reader.select(rows)
            logits = reader.step(tokens)
    return trace_back(cuts, every).squeeze(2), scores


def _first_of_each(environments: int, beam: int, like: Tensor) -> Tensor:
    """Return scores [E, B] under which one beam alone exists in each environment."""
    scores = like.new_full((environments, beam), -torch.inf, dtype=torch.float32)
    scores[:, 0] = 0.0
    return scores


def _log_likelihoods(
    logits: Tensor,
    kernel: Tensor | None,
    position: int,
    ended: Tensor,
    stop: int | None,
) -> Tensor:
    """Return the log-likelihoods [E * B, W] of the tokens that may come next.

    Where logits are no distribution they are NaN at first, then minus infinity.
    """
    logits = logits.float()
    likelihoods = finite_or_least(logits - logits.logsumexp(-1, keepdim=True))
    if kernel is not None:
        likelihoods = _smooth(likelihoods, kernel, stop)
    if stop is None:
        return likelihoods
    if position > 0:
        likelihoods[:, stop] = -torch.inf
    certain = likelihoods.new_full((logits.shape[1],), -torch.inf)
    certain[stop] = 0.0
    return torch.where(ended[:, None], certain, likelihoods)


def _smooth(likelihoods: Tensor, kernel: Tensor, stop: int | None) -> Tensor:
    """Weigh all tokens' probabilities but the stop token's: [E * B, W]."""
    tokens = likelihoods.shape[1] - (stop is not None)
    check_kernel_size(kernel, tokens)
    weights = kernel.to(likelihoods).mT
    smooth = (likelihoods[:, :tokens].exp() @ weights).log()
    return torch.cat([smooth, likelihoods[:, tokens:]], 1)


def _cut(scores: Tensor, likelihoods: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return scores [E, B] of the best next tokens, their rows and tokens [E * B]."""
    environments, beam = scores.shape
    width = likelihoods.shape[1]
    total = scores[..., None] + likelihoods.view(environments, beam, width)
    best, indices = total.flatten(1).topk(beam, dim=1)
    return best, flat_rows(indices // width, beam), (indices % width).flatten()
