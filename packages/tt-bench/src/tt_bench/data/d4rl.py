"""D4RL's files by name: found, downloaded, and told from those only named alike."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import attrs

from tt_bench.catalogue import D4rlEntry, d4rl_entries, nearest_names
from tt_bench.data.dataset import Dataset
from tt_bench.data.hdf5 import check_opens, count_rows, read_hdf5
from tt_bench.data.hdf5_layout import UnreadableError
from tt_bench.files import download, drop_rest

_FOLDER = "D4RL_DATASET_DIR"
_MIRROR = "D4RL_MIRROR"
_HOME = "http://rail.eecs.berkeley.edu/datasets/offline_rl"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def d4rl_file(entry: D4rlEntry) -> Path:
    """Return where a file is kept: in $D4RL_DATASET_DIR, else ~/.d4rl/datasets."""
    folder = os.environ.get(_FOLDER) or "~/.d4rl/datasets"
    return Path(os.path.expanduser(folder)) / entry.file


def d4rl_address(entry: D4rlEntry) -> str:
    """Return where a file is downloaded from: $D4RL_MIRROR in place of D4RL's host."""
    mirror = os.environ.get(_MIRROR)
    return entry.url.replace(_HOME, mirror.rstrip("/"), 1) if mirror else entry.url


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
    found, address = os.path.isfile(path), d4rl_address(entry)
    if found:
        drop_rest(path)
    else:
        _make_folder(path.parent)
        _fetch(address, path, progress)
    try:
        dataset = read_d4rl(entry, path, env)
    except UnreadableError as error:
        raise ValueError(
            f"{error} - delete {path}, and the same command downloads it again"
        ) from error
    origin = "found at" if found else f"downloaded from {address} to"
    title = _title(entry, path, sure=not found and address == entry.url)
    return attrs.evolve(dataset, name=entry.name, source=f"{title}, {origin} {path}")


def _fetch(
    address: str, path: Path, progress: Callable[[int, int], None] | None
) -> None:
    try:
        download(
            address, path, signature=_SIGNATURE, check=check_opens, progress=progress
        )
    except ValueError as error:
        raise ValueError(
            f"{error}; {_MIRROR} may name a mirror of {_HOME} to download from"
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"expected a folder for D4RL's files at {folder}, could not make it "
            f"({error}): set {_FOLDER} to another"
        ) from error


def _title(entry: D4rlEntry, path: Path, *, sure: bool) -> str:
    """Call a file D4RL's as far as that is known."""
    other = difference(entry, path)
    if other:
        return f"file with the name of D4RL's {entry.name}, {other}"
    known = sure or entry.transitions is not None
    return f"D4RL's {entry.name}" if known else f"D4RL's {entry.name} by its name"


def difference(entry: D4rlEntry, path: Path) -> str:
    """Say in what a file can't be D4RL's own, "" where it may be.

    Raises:
        ValueError: if the file can't be read.
    """
    rows = count_rows(path)
    if not entry.contradicts(rows):
        return ""
    return (
        f"{rows:,} transitions where D4RL's has {entry.transitions:,}: not D4RL's own"
    )


def read_d4rl(entry: D4rlEntry, path: Path, env: str | None = None) -> Dataset:
    """Read D4RL's own file from anywhere, with what is known of it.

    Raises:
        ValueError: if it can't be read.
    """
    columns = entry.columns if env in (None, entry.env_id) else None
    dataset = read_hdf5(path, env or entry.env_id, columns=columns)
    if entry.steps is not None and env in (None, entry.env_id):
        limited = partial(dataset.make_env, max_episode_steps=entry.steps)
        dataset = attrs.evolve(dataset, make_env=limited)
    return attrs.evolve(dataset, reference=entry.reference)
