"""What D4RL has: datasets by name, their files, environments and returns."""

import difflib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import attrs

_UNFINISHED = 1_000  # rows that an episode without an end has at most


REFERENCE_RETURNS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "ant": (-325.6, 3879.7),
        "antmaze": (0.0, 1.0),
        "halfcheetah": (-280.178953, 12135.0),
        "hopper": (-20.272305, 3234.3),
        "walker2d": (1.629008, 4592.3),
    }
)
"""Mean returns (random, expert) that D4RL (arXiv 2004.07219) scores with, by family."""


@attrs.frozen
class D4rlEntry:
    """Say what is known of one of D4RL's datasets.

    Attributes:
        name: D4RL's name, such as hopper-medium-v2.
        file: name of its file.
        url: address of the file.
        env_id: Gymnasium id of the environment nearest to D4RL's; `d4rl/NAME`, D4RL's
            own, where none of today is near.
        columns: of the file's observations that this environment has, None for all.
        reference: mean return of a random policy and of an expert.
        transitions: rows of the file, but perhaps for an unfinished last episode;
            None where not known.
        steps: time limit of D4RL's episodes, None for that of the environment.
    """

    name: str
    file: str
    url: str
    env_id: str
    columns: int | None
    reference: tuple[float, float] = attrs.field(converter=tuple)
    transitions: int | None
    steps: int | None = None

    @property
    def task(self) -> str:
        """The name without its version."""
        return self.name.rpartition("-v")[0]

    def contradicts(self, transitions: int) -> bool:
        """Say whether data of so many transitions can't be D4RL's.

        They may differ by an episode: some counts leave out a last one without an end.
        """
        known = self.transitions
        return known is not None and abs(transitions - known) > _UNFINISHED

    @property
    def locomotion(self) -> bool:
        """Whether the score is how fast a body runs, not how well it does a task."""
        return self.family in REFERENCE_RETURNS and self.family != "antmaze"

    @property
    def family(self) -> str:
        """The first word of the name: of the body, maze, or task of a hand."""
        return self.task.partition("-")[0]


@cache
def d4rl_entries() -> Mapping[str, D4rlEntry]:
    """Return every known dataset of D4RL by its name."""
    text = resources.files("tt_bench").joinpath("d4rl.json").read_text("utf-8")
    entries = (D4rlEntry(**row) for row in json.loads(text))
    return MappingProxyType({entry.name: entry for entry in entries})


def find_d4rl(name: str) -> D4rlEntry | None:
    """Look up one of D4RL's datasets by its name, or by the name of its own file."""
    entries = d4rl_entries()
    last = Path(name).name
    by_file = {entry.file: entry for entry in entries.values()}
    return entries.get(name) or by_file.get(last)


def similar_d4rl(name: str) -> D4rlEntry | None:
    """Look up the dataset whose task the name of a file begins with.

    `somewhere/hopper-medium-replay-sac.hdf5` is like hopper-medium-replay-v2. The
    longest task that fits is meant.
    """
    words = re.sub("[^a-z0-9]+", "-", Path(name).name.lower())
    like = [e for e in d4rl_entries().values() if f"{words}-".startswith(f"{e.task}-")]
    return max(like, key=lambda entry: len(entry.task), default=None)


def nearest_names(name: str) -> list[str]:
    """Return up to three of D4RL's names that look like this one, best first."""
    return difflib.get_close_matches(name.lower(), d4rl_entries(), n=3, cutoff=0.7)


def reference_returns(env_id: str) -> tuple[float, float] | None:
    """Look up D4RL's reference returns (random, expert) of an environment's family.

    Only ids that begin with a family of `REFERENCE_RETURNS` have them: `Hopper-v5`
    and `AntMaze_UMaze-v5` do, `Pendulum-v1` doesn't.
    """
    family = re.split("[-_]", env_id.rpartition("/")[2])[0]
    return REFERENCE_RETURNS.get(family.lower())
