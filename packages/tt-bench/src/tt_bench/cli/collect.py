"""The command `collect`: make the datasets that need no download."""

import attrs
import numpy as np
import tyro
from rich.console import Console

from tt_bench.cli.datasets import load_shown, sample_shown
from tt_bench.cli.messages import (
    collection,
)
from tt_bench.cli.progress import say, shown_on
from tt_bench.data import SOURCES, Episodes, find_source, is_local
from tt_bench.interface import IntArray

_BARS, _LONGEST = 10, 40  # of the histogram: their number, and signs of the longest


@attrs.frozen
class Collect:
    """Make the datasets that need no download, into the local Minari cache.

    Attributes:
        names: Ids to make; all of them by default.
        sample: Only play so many transitions, say how they went and keep nothing.
    """

    names: tyro.conf.Positional[tuple[str, ...]] = tuple(SOURCES)
    sample: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(1))
    )


def run_collect(options: Collect, console: Console) -> None:
    """Collect each dataset that is not there yet."""
    for name in options.names:
        if options.sample or not is_local(name):
            find_source(name)
    for name in options.names:
        if options.sample:
            episodes = sample_shown(shown_on(console), name, options.sample)
            _describe(console, name, episodes)
            continue
        if not is_local(name):
            say(console, f"{name} will be collected: {collection(name)}")
        dataset = load_shown(shown_on(console), name)
        _describe(console, name, dataset.episodes)
        say(console, f"  {dataset.source}")


def _describe(console: Console, name: str, episodes: Episodes) -> None:
    """Say how much there is, what it earned, and how long episodes are."""
    count, returns = len(episodes.ends), episodes.returns()
    say(console, f"{name}: {len(episodes):,} transitions in {count:,} episodes")
    say(
        console,
        f"  return {returns.mean():.4g} +- {returns.std() / count**0.5:.2g}, "
        f"{episodes.terminated.mean():.1%} of the episodes terminated",
    )
    for line in histogram(episodes.lengths):
        say(console, f"  {line}")


def histogram(lengths: IntArray) -> list[str]:
    """Count episodes by their length, a line for each tenth of the longest."""
    edges = np.unique(np.linspace(0, lengths.max(), _BARS + 1).round().astype(int))
    counts, _ = np.histogram(lengths, edges + 1)
    wide = len(str(edges[-1]))
    return [
        f"{low + 1:>{wide}} to {high:>{wide}} steps "
        f"{'#' * round(_LONGEST * number / counts.max())} {number}"
        for low, high, number in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
