"""Draw attention by layer and head, with the parts of a transition marked."""

from collections.abc import Mapping
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import PowerNorm

from tt_bench.report import new_figure, save_figure

_SIDE = 340  # pixels of a head's picture
_SIZE, _SMALL = 14, 12  # of letters, which stay readable at 850 pixels
_PARTS = ("obs.", "act.", "r, v")


def draw_attention(found: Mapping[str, Any], path: Path, *, title: str) -> None:
    """Write one picture a head: which token looks at which, of mean weights."""
    weights = np.array(found["attention"])
    layers, heads, length, _ = weights.shape
    figure = new_figure(_SIDE * heads + 80, _SIDE * layers + 100)
    before, acted = (100 * found[name] for name in ("markovian", "smoothing"))
    figure.suptitle(
        f"{title}\nto foretell an observation, {before:.0f} % of the attention is on "
        f"the transition before; to foretell an action, {acted:.0f} % on earlier ones",
        fontsize=_SIZE,
        parse_math=False,
    )
    panels: Any = figure.subplots(layers, heads, squeeze=False)
    sizes = found["transition"]
    # what is small but much is seen as well; the first tokens have little to look at
    most = weights[:, :, sum(sizes) :].max()
    shade = PowerNorm(0.5, vmin=0.0, vmax=most, clip=True)
    for layer, head in np.ndindex(layers, heads):
        panel = panels[layer, head]
        image = panel.imshow(weights[layer, head], norm=shade)
        panel.set_title(f"layer {layer + 1}, head {head + 1}", fontsize=_SIZE)
        for edge in range(sum(sizes), length, sum(sizes)):
            panel.axhline(edge - 0.5, color="white", linewidth=0.6)
            panel.axvline(edge - 0.5, color="white", linewidth=0.6)
        _mark_parts(panel, sizes, length)
    panels[-1, 0].set_xlabel("token that is looked at", fontsize=_SIZE)
    panels[0, 0].set_ylabel("token that looks,\nto foretell the next", fontsize=_SIZE)
    ticks = most * np.linspace(0.0, 1.0, 5) ** 2  # evenly along the bar
    bar = figure.colorbar(
        image, ax=panels, shrink=0.8, ticks=ticks, format="%.2f", extend="max"
    )
    bar.set_label("attention (colour by its root)", fontsize=_SIZE)
    bar.ax.tick_params(labelsize=_SMALL)
    save_figure(figure, path)


def _mark_parts(panel: Any, sizes: list[int], length: int) -> None:
    """Name one part of each of the first transitions, so that names lie apart."""
    observation, action, *rest = sizes
    edges = [0, *accumulate((observation, action, sum(rest)))]
    last = length // sum(sizes) - 1
    middles = [
        min(part, last) * sum(sizes) + (low + high - 1) / 2
        for part, (low, high) in enumerate(pairwise(edges))
    ]
    panel.set_xticks(middles, _PARTS, fontsize=_SMALL, rotation=90)
    panel.set_yticks(middles, _PARTS, fontsize=_SMALL)
    panel.set_xlim(-0.5, length - 0.5)
    panel.set_ylim(length - 0.5, -0.5)
