"""Sample after dropping the unlikely tail of the distribution."""

import torch
from torch import Tensor

from tt_plan._draw import ALMOST_ONE, draw_above
from tt_plan._interface import Sampler
from tt_plan._rows import ascending, first_above, weights


def tail_cut(mass: float) -> Sampler:
    """Make a sampler that drops the least likely tokens, up to `mass` together.

    A token is dropped if it and all tokens at most as likely sum to `mass` or less.
    The likeliest token always stays, equally likely tokens share one fate, and the
    rest is sampled in proportion to its probability. Raises ValueError unless
    0 <= mass < 1.
    """
    if not 0.0 <= mass < 1.0:
        raise ValueError(
            f"tail_cut drops a mass in [0, 1), but got {mass}; "
            "0.6 samples from the likeliest 40 %"
        )

    share = min(mass, ALMOST_ONE)

    def sample(
        logits: Tensor, count: int, generator: torch.Generator | None = None, /
    ) -> Tensor:
        likely = weights(logits.float())
        order = ascending(likely)  # [R, W]
        below = order.cumsum(-1)
        kept = first_above(below, share * below[:, -1:])  # the least likely that stays
        return draw_above(likely, order.gather(1, kept), count, generator)

    return sample
