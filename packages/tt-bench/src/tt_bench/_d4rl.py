"""D4RL's datasets by name: where each file is, and the settings that suit it."""

import difflib
import json
import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import attrs

from tt_bench._dataset import Dataset
from tt_bench._download import download
from tt_bench._hdf5 import read_hdf5

_FOLDER = "D4RL_DATASET_DIR"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@attrs.frozen
class D4rlEntry:
    """Say what is known of one of D4RL's datasets.

    Attributes:
        name: D4RL's name, such as hopper-medium-v2.
        file: name of its file.
        url: address of the file.
        env_id: Gymnasium id of the environment nearest to D4RL's.
        columns: of the file's observations that this environment has, None for all.
        reference: mean return of a random policy and of an expert.
        transitions: rows of the file, None where not known.
        epochs: times that the transformer sees a million transitions in training.
        beam: sequences that the planner keeps.
        horizon: transitions that it plans.
        expectile: of the critic's value.
        temperature: of the critic's policy.
        rewards: units of the critic's rewards; see `CriticSettings`.
        termination_reward: reward of a step that truly ends an episode; None for the
            data's own.
    """

    name: str
    file: str
    url: str
    env_id: str
    columns: int | None
    reference: tuple[float, float] = attrs.field(converter=tuple)
    transitions: int | None
    epochs: int
    beam: int
    horizon: int
    expectile: float
    temperature: float
    rewards: Literal["plain", "minus-one", "spread"]
    termination_reward: float | None

    @property
    def task(self) -> str:
        """The name without its version."""
        return self.name.rpartition("-v")[0]


@cache
def d4rl_entries() -> Mapping[str, D4rlEntry]:
    """Return every known dataset of D4RL by its name."""
    text = resources.files("tt_bench").joinpath("d4rl_names.json").read_text("utf-8")
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


def d4rl_file(entry: D4rlEntry) -> Path:
    """Return where a file is kept: in $D4RL_DATASET_DIR, else ~/.d4rl/datasets."""
    folder = os.environ.get(_FOLDER) or "~/.d4rl/datasets"
    return Path(folder).expanduser() / entry.file


def load_d4rl(
    name: str,
    *,
    env: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Load one of D4RL's datasets, downloading its file if it isn't there.

    Args:
        name: D4RL's name, such as hopper-medium-v2.
        env: Gymnasium id of the environment to evaluate in, in place of the nearest.
        progress: told the bytes so far and those of the whole file, 0 if not known.

    Raises:
        ValueError: if the name is unknown, or the file can't be had or read.
    """
    entry = d4rl_entries().get(name)
    if entry is None:
        near = nearest_names(name) or list(d4rl_entries())[:3]
        raise ValueError(
            f"expected one of D4RL's datasets such as {', '.join(near)}, got {name!r}"
        )
    path = d4rl_file(entry)
    found = path.is_file()
    if not found:
        download(entry.url, path, signature=_SIGNATURE, progress=progress)
    origin = "found at" if found else f"downloaded from {entry.url} to"
    return attrs.evolve(
        read_d4rl(entry, path, env),
        name=entry.name,
        source=f"D4RL's {entry.name}, {origin} {path}",
    )


def read_d4rl(entry: D4rlEntry, path: Path, env: str | None = None) -> Dataset:
    """Read D4RL's own file from anywhere, with what is known of it.

    Raises:
        ValueError: if it can't be read.
    """
    columns = entry.columns if env in (None, entry.env_id) else None
    dataset = read_hdf5(path, env or entry.env_id, columns=columns)
    return attrs.evolve(dataset, reference=entry.reference)
