"""Sets of datasets that are compared together."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tt_bench.catalogue import D4rlEntry, d4rl_entries
from tt_bench.data import HDF5_SUFFIXES

_BODIES = ("halfcheetah", "hopper", "walker2d", "ant")
_KINDS = ("random", "medium", "mixed", "medium-replay", "medium-expert")
_MAZES = "umaze umaze-diverse medium-play medium-diverse large-play large-diverse"


class Suite(NamedTuple):
    """Several datasets, and how thoroughly to compare on each.

    Attributes:
        datasets: names, as `load_dataset` takes them.
        seeds: training seeds of each method.
        episodes: episodes of each run.
        tasks: what names of its files begin with, in the order of the table.
    """

    datasets: tuple[str, ...]
    seeds: int
    episodes: int
    tasks: tuple[str, ...] = ()

    def choose(self, given: Sequence[str] = ()) -> tuple[str, ...]:
        """Return its datasets, or those given: names, files, or folders of files.

        Raises:
            ValueError: it has none of its own, or a folder has none of its tasks.
        """
        if not (given or self.datasets):
            raise ValueError(
                "expected --datasets, a folder, files or names, as this suite has "
                f"none of its own; in a folder, files such as {self.tasks[0]}.hdf5 are "
                "found"
            )
        found = (self._within(name) for name in given or self.datasets)
        return tuple(dict.fromkeys(name for names in found for name in names))

    def _within(self, name: str) -> list[str]:
        folder = Path(name).expanduser()
        if not folder.is_dir():
            return [name]
        files = [f for f in sorted(folder.iterdir()) if f.suffix in HDF5_SUFFIXES]
        found = [str(f) for task in self.tasks for f in files if self._task(f) == task]
        if not found:
            raise ValueError(
                f"expected files of this suite in {folder}, such as "
                f"{(*self.tasks, 'none')[0]}.hdf5, found {len(files)} others"
            )
        return found

    def _task(self, file: Path) -> str | None:
        """Return the longest task that the name of a file begins with."""
        words = re.sub("[^a-z0-9]+", "-", file.stem.lower())
        fits = (task for task in self.tasks if f"{words}-".startswith(f"{task}-"))
        return max(fits, key=len, default=None)


def _d4rl(tasks: Sequence[str]) -> tuple[D4rlEntry, ...]:
    """Look up the sets of some tasks in the order of these."""
    by_task = {entry.task: entry for entry in d4rl_entries().values()}
    return tuple(by_task[task] for task in tasks)


_LOCOMOTION = tuple(f"{body}-{kind}" for kind in _KINDS for body in _BODIES)
_D4RL = (
    *(task for task in _LOCOMOTION if not task.endswith("mixed")),
    *(f"antmaze-{maze}" for maze in _MAZES.split()),
)

SUITES: Mapping[str, Suite] = MappingProxyType(
    {
        "pointmaze": Suite(
            tuple(f"tt/pointmaze/{m}-sparse-v0" for m in ("umaze", "medium", "large")),
            seeds=3,
            episodes=50,
        ),
        "antmaze": Suite(
            tuple(f"tt/antmaze/{m}-diverse-v0" for m in ("umaze", "medium", "large")),
            seeds=3,
            episodes=50,
        ),
        "locomotion": Suite((), seeds=3, episodes=5, tasks=_LOCOMOTION),
        "d4rl": Suite(
            tuple(entry.name for entry in _d4rl(_D4RL)),
            seeds=5,
            episodes=3,
            tasks=_D4RL,
        ),
    }
)
"""The suites by name."""
