"""How a token is chosen from its logits: a sampler for each way.

Draws invert the cumulative sum of the probabilities: exact up to float32 rounding, one
uniform number a token, no wait for the device.

A row whose largest logit is not a number or infinite is no distribution: it holds NaN
or plus infinity, or nothing but minus infinity. All its tokens are -1.
"""

from numbers import Integral

import torch
from torch import Tensor
from torch.nn.functional import pad

from tt_plan._interface import Sampler
from tt_plan._rows import argmax, ascending, first_above, possible, unnormalized
from tt_plan._validate import check_above_zero

_ALMOST_ONE = 1.0 - 2.0**-24
"""The largest float32 below 1; times any normal float32 it rounds to less than it."""
_LEAST = 2.0**-149
"""The smallest float32 above 0; what is less divides as 0 would."""


def greedy() -> Sampler:
    """Make a sampler that takes the likeliest token, `count` times the same one."""

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        del generator
        tokens = argmax(logits)[:, None]
        tokens = possible(tokens, logits.gather(-1, tokens))
        return tokens if count == 1 else tokens.repeat(1, count)

    return sample


def likeliest() -> Sampler:
    """Make a sampler that takes the `count` likeliest tokens, distinct, best first.

    Where fewer than `count` tokens are possible the remaining slots are -1 (empty).
    """

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        del generator
        if count == 1:  # topk would sort for one token
            token = argmax(logits)[:, None]
            return possible(token, logits.gather(-1, token))
        width = min(count, logits.shape[-1])
        best, tokens = logits.topk(width, dim=-1)
        tokens = possible(tokens.masked_fill(best == -torch.inf, -1), best[:, :1])
        return pad(tokens, (0, count - width), value=-1)

    return sample


def top_k(k: int) -> Sampler:
    """Make a sampler of the `k` likeliest tokens, in proportion to their probability.

    Tokens as likely as the k-th are taken too, and all tokens where there are fewer
    than `k`. Raises ValueError unless k is a whole number of at least 1.
    """
    if not isinstance(k, Integral) or k < 1:
        raise ValueError(
            f"top_k keeps a whole number of tokens, at least 1, but got {k!r}; "
            "nucleus() keeps a part of the probability"
        )

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        probabilities = unnormalized(logits.float())
        index = max(0, logits.shape[-1] - k)
        threshold = ascending(probabilities)[:, index : index + 1]
        return _draw_above(probabilities, threshold, count, generator)

    return sample


def nucleus(mass: float) -> Sampler:
    """Make a sampler of the fewest likeliest tokens that reach `mass` together.

    Holtzman et al. 2020, arXiv 1904.09751. Tokens as likely as the last one taken are
    taken too. Raises ValueError unless 0 < mass <= 1.
    """
    if not 0.0 < mass <= 1.0:
        raise ValueError(
            f"nucleus keeps a mass in (0, 1], but got {mass}; 1 samples from all tokens"
        )
    return tail_cut(min(1.0 - mass, _ALMOST_ONE))


def tail_cut(mass: float) -> Sampler:
    """Make a sampler that drops the least likely tokens, up to `mass` together.

    A token is dropped if it and all tokens at most as likely sum to `mass` or less.
    The likeliest token always stays, equally likely tokens stay or go together, and
    the rest is sampled in proportion to its probability. Raises ValueError unless
    0 <= mass < 1.
    """
    if not 0.0 <= mass < 1.0:
        raise ValueError(
            f"tail_cut drops a mass in [0, 1), but got {mass}; "
            "0.6 samples from the likeliest 40 %"
        )

    dropped = min(mass, _ALMOST_ONE)

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        probabilities = unnormalized(logits.float())
        order = ascending(probabilities)  # [R, W]
        cumulative = order.cumsum(-1)
        kept = first_above(cumulative, dropped * cumulative[:, -1:])  # the least likely
        return _draw_above(probabilities, order.gather(1, kept), count, generator)

    return sample


def temperature(value: float, inner: Sampler) -> Sampler:
    """Make a sampler that gives `inner` the logits divided by a temperature.

    Above 1 flattens, below 1 sharpens. Raises ValueError unless 0 < value < infinity.
    """
    check_above_zero("temperature", value, "; use greedy() for its lower limit")

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        return inner(_divide(logits, value), count, generator)

    return sample


def _divide(logits: Tensor, value: float) -> Tensor:
    """Return logits [R, W] / value; a row that gets too large is shifted first."""
    value = max(value, _LEAST)
    scaled = logits / value
    if value >= 1.0:
        return scaled
    largest = scaled.amax(-1, keepdim=True)
    shifted = (logits - logits.amax(-1, keepdim=True)) / value
    return torch.where(largest.isinf(), shifted, scaled)


def _draw_above(
    probabilities: Tensor,
    threshold: Tensor,
    count: int,
    generator: torch.Generator | None,
) -> Tensor:
    """Draw `count` tokens a row among those at least as likely as `threshold`.

    Args:
        probabilities: [R, W] float32, up to a factor a row.
        threshold: [R, 1], at most the largest of its row.
        count: tokens for each row, drawn independently.
        generator: where the randomness comes from.

    Returns:
        int64 tokens [R, count], -1 where the probabilities are NaN.
    """
    kept = probabilities.clone().ge_(threshold).mul_(probabilities)  # [R, W]
    cumulative = kept.cumsum(-1)
    shape = (cumulative.shape[0], count)
    uniform = torch.rand(shape, generator=generator, device=cumulative.device)  # < 1
    total = cumulative[:, -1:]
    tokens = first_above(cumulative, uniform * total)  # never of no weight
    return possible(tokens, total)
