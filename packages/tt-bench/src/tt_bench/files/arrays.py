"""Arrays in an .npz archive that is believed only as far as its bytes go.

NumPy's own reader inflates what is compressed and makes room for the shapes that a
header tells before it looks at the data, so a small file can ask for all memory.
"""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def write_arrays(arrays: Mapping[str, Any]) -> bytes:
    """Return an archive of arrays without objects."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def read_arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an archive; no more memory is taken than it has bytes.

    Raises:
        ValueError: It is damaged, compressed, holds objects or tells of more than it
            has.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type for member in members):
                raise ValueError("it is compressed")
            if sum(member.file_size for member in members) > len(content):
                raise ValueError("it tells of more than it holds")
            return {
                member.filename.removesuffix(".npy"): _array(archive.read(member))
                for member in members
            }
    except Exception as error:  # a damaged archive makes its readers raise anything
        raise ValueError(f"no archive of plain arrays: {error}") from error


def checksum(text: str, arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return a digest of a text and of arrays with their names, types and shapes."""
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for name, array in sorted(arrays.items()):
        described = [name, array.dtype.str, list(array.shape)]
        digest.update(json.dumps(described).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _array(content: bytes) -> npt.NDArray[Any]:
    stream = io.BytesIO(content)
    shape, by_column, dtype = _HEADERS[np.lib.format.read_magic(stream)](stream)
    if dtype.hasobject:
        raise ValueError("it holds objects")
    data = content[stream.tell() :]
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError("a shape is not that of the data")
    array = np.ndarray(shape, dtype, data, order="F" if by_column else "C")
    return array.copy()
