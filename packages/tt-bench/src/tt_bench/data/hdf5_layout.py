"""D4RL's layout of an HDF5 file: arrays of one length, one row a transition."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

NEEDED = ("observations", "actions", "rewards", "terminals")
_KEYS = (*NEEDED, "timeouts", "next_observations")
_VECTORS = ("observations", "actions", "next_observations")
_BLOCK = 32_768  # rows in memory at a time


class UnreadableError(ValueError):
    """A file is damaged or of another layout."""


def check_layout(path: Path, file: h5py.File) -> None:
    """Check that a file has the arrays, and that they fit each other.

    Raises:
        UnreadableError: if not.
    """
    missing = [key for key in NEEDED if not isinstance(file.get(key), h5py.Dataset)]
    if missing:
        raise UnreadableError(
            f"expected D4RL's layout with {', '.join(NEEDED)} in {path}, it has no "
            f"{', '.join(missing)} but {sorted(file)[:6]}: name a Minari dataset by "
            "its id, not by its file"
        )
    stored = {key: file[key] for key in _KEYS if key in file}
    for key, array in stored.items():
        _check_array(path, key, array)
    shapes = {key: array.shape for key, array in stored.items()}
    if len({shape[0] for shape in shapes.values()}) > 1 or not shapes["rewards"][0]:
        raise UnreadableError(
            f"expected arrays of one length, one row a transition, in {path}, got "
            f"{shapes}: the file was written wrong or only in part"
        )
    if shapes.get("next_observations") not in (None, shapes["observations"]):
        raise UnreadableError(
            f"expected next_observations of the shape of observations in {path}, got "
            f"{shapes}"
        )


def _check_array(path: Path, key: str, stored: Any) -> None:
    shape = stored.shape if isinstance(stored, h5py.Dataset) else None
    if shape is None:
        raise UnreadableError(
            f"expected an array as {key} in {path}, got {stored}: the file was "
            "written wrong"
        )
    vectors = key in _VECTORS
    if not (len(shape) == 2 if vectors else shape and shape[1:] in ((), (1,))):
        raise UnreadableError(
            f"expected {key} {'[N, D]' if vectors else '[N]'} in {path}, got "
            f"{list(shape)}: images and discrete actions are not supported"
        )
    if vectors and not shape[1]:
        raise UnreadableError(f"expected numbers as {key} in {path}, got {list(shape)}")
    if stored.dtype.kind not in "biuf":
        raise UnreadableError(
            f"expected numbers as {key} in {path}, got {stored.dtype}"
        )


def blocks(total: int) -> Iterator[tuple[int, int]]:
    """Yield the begin and the end of as many rows as are read at a time."""
    for begin in range(0, total, _BLOCK):
        yield begin, min(begin + _BLOCK, total)
