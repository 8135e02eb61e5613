"""See to it that an .npz archive holds what it claims, before memory is taken."""

import math
import zipfile
from typing import IO

from numpy.lib import format as npy

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def check_archive(file: IO[bytes], size: int) -> None:
    """Check that the arrays of an archive of `size` bytes are all there, as saved.

    `numpy.savez` doesn't compress: what would grow when it is read isn't its work.

    Raises:
        ValueError: An array is compressed, or claims other bytes than it has.
        Exception: Of any kind, if the archive is damaged.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > size or any(
            member.compress_type != zipfile.ZIP_STORED for member in members
        ):
            raise ValueError("arrays are compressed")
        for member in members:
            with archive.open(member) as part:
                shape, _, dtype = _HEADERS[npy.read_magic(part)](part)
                stored = member.file_size - part.tell()
            if math.prod(shape) * dtype.itemsize != stored:
                raise ValueError(f"{member.filename} claims {shape} in {stored} bytes")
