"""Load a dataset and show how far its collection or download is."""

from collections.abc import Callable
from typing import Any

import attrs

from tt_bench.catalogue import d4rl_entries
from tt_bench.data import (
    SOURCES,
    Dataset,
    Episodes,
    collect_source,
    d4rl_file,
    find_source,
    is_local,
    load_dataset,
)
from tt_bench.interface import Advance, Event, Notify, working

_TOLD_EVERY = 50_000_000  # bytes of a download whose size is unknown


def load_shown(
    notify: Notify, name: str, env: str | None = None, **options: Any
) -> Dataset:
    """Load a dataset, following its collection or download if there must be one.

    Args:
        notify: is shown what is made or fetched.
        name: as `load_dataset` takes it.
        env: Gymnasium id of the environment to evaluate in.
        **options: further ones of `load_dataset`.
    """
    entry = d4rl_entries().get(name)
    if entry and not d4rl_file(entry).is_file():
        with working(notify, f"downloading {entry.file}, %", 100) as advance:
            follow = follow_bytes(advance, lambda text: notify(Event("message", text)))
            return load_dataset(name, env=env, progress=follow, **options)
    if name not in SOURCES or is_local(name):
        return load_dataset(name, env=env, **options)
    with working(notify, f"collecting {name}", SOURCES[name].transitions) as advance:
        return load_dataset(
            name,
            env=env,
            progress=lambda done, _: advance(done, "transitions"),
            **options,
        )


def sample_shown(notify: Notify, name: str, transitions: int) -> Episodes:
    """Play as many transitions of a dataset that is made here, and keep them nowhere.

    Raises:
        ValueError: if it isn't made here.
    """
    source = attrs.evolve(find_source(name), transitions=transitions)
    with working(notify, f"sampling {name}", transitions) as advance:
        return collect_source(
            source, progress=lambda done, _: advance(done, "transitions")
        )


def follow_bytes(
    advance: Advance, tell: Callable[[str], None]
) -> Callable[[int, int], None]:
    """Make what shows bytes as a share of the whole, or tells them if that is unknown.

    Args:
        advance: shows a share in percent, and a note.
        tell: prints a line.
    """
    told = 0

    def follow(done: int, total: int) -> None:
        nonlocal told
        if total:
            advance(100 * done // total, f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")
            return
        advance(0, f"{done / 1e6:.0f} MB")
        if done - told >= _TOLD_EVERY:
            told = done
            tell(f"  {done / 1e6:.0f} MB so far")

    return follow
