"""Where a transformer looks: mean attention over held-out sequences.

Janner et al. 2021, figure 5, arXiv 2106.02039.

Axes: B sequences, T tokens of each, H heads, D features, L layers that attend, P tokens
of a transition.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tt_bench.interface import working
from tt_bench.methods import Context, as_rows, find_transformer
from tt_bench.studies.held_out import draw_replays, held_out, pieces
from tt_model import TrajectoryTransformer
from tt_tokenize import Layout

_SEED = 1_000_003  # of the sequences, apart from those of trainings


@attrs.frozen
class AttentionSettings:
    """What is asked: the number of held-out sequences."""

    sequences: int = 256


def study_attention(context: Context, settings: AttentionSettings) -> dict[str, Any]:
    """Return the mean attention [L, H, T, T], and two shares of it.

    Raises:
        ValueError: there are too few episodes, or too short ones.
    """
    trained = find_transformer(context)
    episodes, length = context.episodes, context.recipe.training.transitions
    replays = draw_replays(
        episodes, held_out(episodes), length, 0, settings.sequences, _SEED
    )
    rows = as_rows(episodes, context.recipe)
    tokens = trained.bins.encode(pieces(rows, replays)).astype(np.int64)
    given = torch.from_numpy(tokens.reshape(len(tokens), -1)).to(context.device)
    with working(context.notify, f"attention seed {context.seed}", 1):
        weights = mean_attention(trained.model.eval(), given)
    return {
        "transition": [trained.layout.observation, trained.layout.action, 1, 1],
        "attention": np.round(weights, 5).tolist(),
        **shares(weights, trained.layout),
    }


@torch.no_grad()
def mean_attention(model: TrajectoryTransformer, tokens: Tensor) -> NDArray[np.float64]:
    """Return the mean over sequences [B, T] of every head's weights: [L, H, T, T].

    A row says where the token of its place looks, to foretell the next one.
    """
    with _watched(model) as found:
        model(tokens)
    return torch.stack(found).double().cpu().numpy()


@contextmanager
def _watched(model: TrajectoryTransformer) -> Iterator[list[Tensor]]:
    """Collect each layer's mean attention [H, T, T] while the model runs."""
    found: list[Tensor] = []

    def look(attention: nn.Module, given: tuple[Any, ...]) -> None:
        x, rotary, mask = given
        project: Any = attention.project
        query, key, _ = project(x, rotary, 0)  # [B, T, H, D/H], scaled
        logits = torch.einsum("bqhd,bkhd->bhqk", query, key)
        weights = logits.masked_fill(~mask, -torch.inf).softmax(-1)
        found.append(weights.mean(0))

    layers = [block for block in model.layers if block.attends]
    hooks = [block.attn.register_forward_pre_hook(look) for block in layers]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def shares(weights: NDArray[np.float64], layout: Layout) -> dict[str, float]:
    """Return how much of the attention [L, H, T, T] looks at two things.

    From where an observation's number is foretold to the transition before
    ("markovian"), and from where an action's is to actions of earlier transitions
    ("smoothing"). Both are means over layers, heads and places, the first transition
    left out.
    """
    place = np.arange(weights.shape[2])
    transition, position = place // layout.width, place % layout.width
    foretold = place + 1
    at, of = foretold // layout.width, foretold % layout.width
    later = (at >= 1) & (foretold < len(place))
    observing = later & (of < layout.observation)
    end = layout.observation + layout.action
    acting = later & (of >= layout.observation) & (of < end)
    before = transition[None] == at[:, None] - 1
    acted = (position >= layout.observation) & (position < end)
    earlier = acted[None] & (transition[None] < at[:, None])
    mean = weights.mean((0, 1))
    return {
        "markovian": float((mean * before)[observing].sum(1).mean()),
        "smoothing": float((mean * earlier)[acting].sum(1).mean()),
    }
