"""The network's blocks over a cache, written once for every cache.

What differs between caches is where keys and values are kept, which is the business of
the function that attends.
"""

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

from tt_model._per_position import linear
from tt_model._positions import RotaryTable
from tt_model._transformer import TrajectoryTransformer

Attend: TypeAlias = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""Store a layer's keys and values, and attend from its queries.

Takes the number of the layer among those that attend and the new tokens' queries, keys
and values [R, n, H, F]; returns what the last m tokens attended to [R, m, H * F]. In
the last layer m may be less than n.
"""


def run_blocks(
    model: TrajectoryTransformer,
    x: Tensor,
    begin: int,
    rotary: RotaryTable,
    attend: Attend,
) -> Tensor:
    """Take the inputs [R, n, D] of new tokens to the last one's features [R, D].

    The first of the tokens has the index `begin`. Dropout never applies, in training
    mode neither.
    """
    end = begin + x.shape[1]
    first = model.config.layers - model.config.attending_layers
    for layer, block in enumerate(model.layers):
        if block.attends:
            heads = block.attn.project(block.ln1(x), rotary, begin)
            mixed = attend(layer - first, *heads)
            count = mixed.shape[1]
            x = x[:, -count:] + linear(block.attn.proj, mixed, end - count)
        x = x + block.perceive(block.ln2(x), end - x.shape[1])
    features: Tensor = model.ln_f(x[:, -1])
    return features
