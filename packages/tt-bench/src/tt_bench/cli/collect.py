"""The command `collect`: make the datasets that need no download."""

import attrs
import tyro
from rich.console import Console

from tt_bench.cli.datasets import load_shown
from tt_bench.cli.messages import (
    collection,
)
from tt_bench.cli.progress import say, shown_on
from tt_bench.data import SOURCES, find_source, is_local


@attrs.frozen
class Collect:
    """Make the datasets that need no download, into the local Minari cache.

    Attributes:
        names: Ids to make; all of them by default.
    """

    names: tyro.conf.Positional[tuple[str, ...]] = tuple(SOURCES)


def run_collect(options: Collect, console: Console) -> None:
    """Collect each dataset that is not there yet."""
    for name in options.names:
        if not is_local(name):
            find_source(name)
    for name in options.names:
        if not is_local(name):
            say(console, f"{name} will be collected: {collection(name)}")
        dataset = load_shown(shown_on(console), name)
        say(console, f"{name}: {len(dataset.episodes):,} transitions")
        say(console, f"  {dataset.source}")
