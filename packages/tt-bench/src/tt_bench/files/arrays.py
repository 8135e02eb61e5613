"""Arrays of an .npz archive, read when they are all there."""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `numpy.savez` wrote, once it is clear that nothing grows on the way.

    Raises:
        Exception: of any kind, if the file is damaged, compressed or something else.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > path.stat().st_size or any(
            member.compress_type != zipfile.ZIP_STORED for member in members
        ):
            raise ValueError("arrays are compressed")
        for member in members:
            _check_header(archive, member)
    with np.load(path, allow_pickle=False) as saved:
        return dict(saved)


def _check_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Check that an array has the bytes that it claims."""
    with archive.open(member) as part:
        shape, _, dtype = _HEADERS[npy.read_magic(part)](part)
        stored = member.file_size - part.tell()
    if math.prod(shape) * dtype.itemsize != stored:
        raise ValueError(f"{member.filename} claims {shape} in {stored} bytes")
