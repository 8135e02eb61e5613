"""The network's blocks over a cache, written once for every cache.

What differs between caches is where keys and values are kept, which is the business of
the function that attends.
"""

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

from tt_model._positions import RotaryTable
from tt_model._transformer import TrajectoryTransformer

Attend: TypeAlias = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""Store a layer's keys and values, and attend from its queries.

Takes the number of the layer and the new tokens' queries, keys and values [R, n, H, F];
returns what the last m tokens attended to [R, m, H * F]. m is n in all layers but the
last, where it may be less.
"""


def run_blocks(
    model: TrajectoryTransformer, x: Tensor, rotary: RotaryTable, attend: Attend
) -> Tensor:
    """Take new tokens' embeddings [R, n, D] to the last one's features [R, D].

    Dropout never applies, in training mode neither.
    """
    for layer, block in enumerate(model.layers):
        mixed = attend(layer, *block.attn.project(block.ln1(x), rotary))
        x = x[:, -mixed.shape[1] :] + block.attn.proj(mixed)
        x = x + block.mlp(block.ln2(x))
    features: Tensor = model.ln_f(x[:, -1])
    return features
