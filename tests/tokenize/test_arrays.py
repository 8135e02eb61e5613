"""An archive is believed as far as its bytes go, and no further."""

import io
import struct
import zipfile
from typing import Any

import numpy as np
import pytest

from tt_tokenize._arrays import checksum, read_arrays, write_arrays

ARRAYS: dict[str, Any] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns first": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "deep/name": np.array([True, False]),
    "text": np.array("said"),
    "number": np.array(3.5),
    "empty": np.zeros((0, 4)),
}


def archive(member: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as made:
        made.writestr("a.npy", member)
    return stream.getvalue()


def member(shape: str, data: bytes, dtype: str = "<f8") -> bytes:
    told = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    head = told.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def test_what_is_written_is_read() -> None:
    found = read_arrays(write_arrays(ARRAYS))
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
        assert found[name].flags.writeable


def test_numpy_reads_what_is_written() -> None:
    with np.load(io.BytesIO(write_arrays(ARRAYS)), allow_pickle=False) as loaded:
        assert np.array_equal(loaded["a"], ARRAYS["a"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 cut",
        b"no archive",
        archive(member("(2,)", bytes(16)), zipfile.ZIP_DEFLATED),
        archive(member("(9000000,)", bytes(72_000_000)), zipfile.ZIP_BZIP2),
        archive(member("(1000000000000,)", bytes(16))),
        archive(member("(1000000000000, 0)", bytes(16))),
        archive(member("(-2,)", bytes(16))),
        archive(member("(3,)", bytes(16))),
        archive(member("(2,)", bytes(16), "|O")),
        archive(b"\x93NUMPY\x09\x00"),
        archive(b"none"),
    ],
)
def test_what_is_no_archive_of_plain_arrays_is_one_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="no archive of plain arrays"):
        read_arrays(content)


def test_nothing_is_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = archive(member("(9000000,)", bytes(72_000_000)), zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000

    def refuse(*_: Any) -> bytes:
        raise AssertionError("inflated")

    monkeypatch.setattr(zipfile.ZipFile, "read", refuse)
    with pytest.raises(ValueError, match="it is compressed"):
        read_arrays(bomb)


def test_a_checksum_tells_names_types_shapes_and_content_apart() -> None:
    a = np.arange(4, dtype=np.int32)
    sums = {
        checksum("", {"a": a}),
        checksum("x", {"a": a}),
        checksum("", {"b": a}),
        checksum("", {"a": a.view(np.uint32)}),
        checksum("", {"a": a.reshape(2, 2)}),
        checksum("", {"a": a + 1}),
    }
    assert len(sums) == 6
    assert checksum("", {"a": a, "b": a}) == checksum("", {"b": a, "a": a.copy()})
