"""See to it that the data of an HDF5 file are in it, before any of them is read."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from tt_bench.files import check_claim

_INSIDE = (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT)


def check_contents(
    path: Path, file: h5py.File, kind: type[ValueError] = ValueError
) -> None:
    """Check that nothing leads out of a file, and that it can hold what it claims.

    Refused are links to other files, arrays that are stored in or mapped from others,
    and arrays or chunks that are far larger than the file.

    Args:
        path: of the file.
        file: opened.
        kind: of the error.

    Raises:
        ValueError: of that kind, naming what is wrong.
    """
    link = file.id.links.visit(
        lambda name, info: None if info.type in _INSIDE else name, info=True
    )
    if link is not None:
        raise _leads_out(path, link, kind)
    claimed = 0
    for name in _array_names(file):
        array = h5py.h5d.open(file.id, name)
        made = array.get_create_plist()
        layout = made.get_layout()
        if layout == h5py.h5d.VIRTUAL or made.get_external_count():
            raise _leads_out(path, name, kind)
        numbers = math.prod(array.shape or ())
        if layout == h5py.h5d.CHUNKED and numbers:
            numbers = max(numbers, math.prod(made.get_chunk()))
        claimed += numbers * array.get_type().get_size()
    check_claim(f"HDF5 file at {path}", claimed, path.stat().st_size, kind)


def _array_names(file: h5py.File) -> Iterator[bytes]:
    """Return the names of all arrays that are in a file."""
    names: list[bytes] = []

    def note(name: bytes, info: Any) -> None:
        if info.type == h5py.h5o.TYPE_DATASET:
            names.append(name)

    h5py.h5o.visit(file.id, note, info=True)
    return iter(names)


def _leads_out(path: Path, name: bytes, kind: type[ValueError]) -> ValueError:
    return kind(
        f"expected an HDF5 file whose data are all in it, {path} takes "
        f"{name.decode(errors='replace')} from elsewhere: copy it into the file, or "
        "get the data from those you trust"
    )
