"""Load a dataset by name, wherever it is: made here, D4RL's, Minari's or a file."""

import os
from collections.abc import Sequence
from pathlib import Path

import attrs

from tt_bench.catalogue import (
    d4rl_entries,
    find_d4rl,
    nearest_names,
    similar_d4rl,
)
from tt_bench.data.collection import Progress
from tt_bench.data.d4rl import difference, load_d4rl, read_d4rl
from tt_bench.data.dataset import Dataset
from tt_bench.data.goals import Goal
from tt_bench.data.hdf5 import read_hdf5
from tt_bench.data.made_here import collect_unless_made
from tt_bench.data.minari import read_minari
from tt_bench.data.minari_cache import is_local
from tt_bench.data.sources import SOURCES

_OWN = "tt/"
HDF5_SUFFIXES = (".hdf5", ".h5", ".hdf")


def load_dataset(
    name: str,
    *,
    env: str | None = None,
    keys: Sequence[str] | None = None,
    goal: Goal | None = None,
    trust_env_spec: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Load a dataset by name; the result's `source` says what was found and where.

    Args:
        name: D4RL's name of a dataset (hopper-medium-v2), the path of an HDF5 file of
            D4RL's layout, an id of `SOURCES`, which is collected on first use, or any
            other Minari id, local or remote.
        env: Gymnasium id of the environment to evaluate in, in place of the
            dataset's own.
        keys: the parts of a dictionary observation to join; see `read_minari`.
        goal: "observed" or "fixed", for goals that move; see `read_minari`.
        trust_env_spec: whether the dataset may name any environment, which runs the
            code that it names; else only known ones are made.
        progress: told how much is done and of how much: transitions collected, or
            bytes downloaded from D4RL.

    Raises:
        ValueError: if there is no such dataset or it can't be used.
    """
    flat = name in d4rl_entries() or is_file(name)
    if flat and (keys is not None or goal is not None):
        raise ValueError(f"expected no keys and no goal, {name} has flat observations")
    if name in d4rl_entries():
        return load_d4rl(name, env=env, progress=progress)
    if flat:
        return _load_file(name, env, trust_env_spec)
    if name.startswith(_OWN):
        collect_unless_made(name, progress=progress)
    _refuse_misspelt(name)
    dataset = read_minari(
        name, env=env, keys=keys, goal=goal, trust_env_spec=trust_env_spec
    )
    source = SOURCES.get(name)
    if source is None:
        return dataset
    return attrs.evolve(dataset, behaviour=source.behaviour, expert=source.expert)


def is_file(name: str) -> bool:
    """Say whether a dataset's name is the path of a file."""
    return Path(name).suffix in HDF5_SUFFIXES or _path(name).is_file()


def _path(name: str) -> Path:
    return Path(os.path.expanduser(name))


def _load_file(name: str, env: str | None, trust: bool) -> Dataset:
    """Read a file; one of D4RL's own needs no environment."""
    original, like = find_d4rl(name), similar_d4rl(name)
    path = _path(name)
    if original:
        dataset = read_d4rl(original, path, env)
        other = difference(original, path)
        note = f", which has the name of D4RL's {original.name}"
        note += f", {other}" if other else ""
    else:
        dataset = read_hdf5(path, env, trust_env_spec=trust)
        note = f", not D4RL's data though named like {like.name}" if like else ""
    return attrs.evolve(dataset, source=dataset.source + note)


def _refuse_misspelt(name: str) -> None:
    """Answer what looks like a name of D4RL's at once, without asking the network."""
    near = nearest_names(name)
    if near and "/" not in name and not is_local(name):
        raise ValueError(
            f"expected a D4RL name, the path of a file or a Minari id, got {name!r}: "
            f"did you mean {' or '.join(near)}?"
        )
