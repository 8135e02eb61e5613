"""Tensors and JSON in one safetensors file, which is whole at every moment.

Both are in one file so that one rename makes both new at once: whoever reads it, also
after a kill or a power cut while it was written, finds the old pair or the new one.
A checksum tells whether a file is still as it was written.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

VERSION = 1
_CHECKSUM = "checksum"
_LENGTH = 8  # bytes of a file that say how long its header is


class Keys(NamedTuple):
    """Name the entries of a header that say what a file is and that hold its JSON."""

    kind: str = "format"
    facts: str = "facts"


USUAL = Keys()


def write(
    path: Path,
    kind: str,
    tensors: Mapping[str, Tensor],
    facts: Mapping[str, Any],
    *,
    keys: Keys = USUAL,
) -> None:
    """Write a file of this kind; its folder is made if needed.

    Raises:
        ValueError: If the path is a folder's.
        OSError: If it can't be written; the error names the path.
    """
    _refuse_folder(path, kind)
    header = {
        keys.kind: kind,
        "version": str(VERSION),
        keys.facts: json.dumps(dict(facts)),
    }
    plain = {
        name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()
    }
    header[_CHECKSUM] = _checksum(header, plain)
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _put(path, save(plain, metadata=header))


def read(
    path: Path, kind: str, *, keys: Keys = USUAL
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write` wrote, onto the CPU; nothing in the file is executed.

    Files of earlier versions have no checksum and are read all the same.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or altered, of another kind or of another
            version, or the path is a folder's.
        OSError: If it can't be read; the error names the path.
    """
    _refuse_folder(path, kind)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if not path.is_file():  # a pipe would be waited for
        raise ValueError(f"{path} must be a {kind} file, got no regular file.")
    with _naming(path), path.open("rb") as file:  # once: it may be replaced meanwhile
        header = _read_header(file, path, kind)
        _check_kind(path, kind, header, keys)
        file.seek(0)
        content = file.read()
    try:
        tensors = load(content)
        facts = json.loads(header[keys.facts])
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise _damaged(path, kind, error) from error
    expected = header.pop(_CHECKSUM, None)
    if expected is not None and expected != _checksum(header, tensors):
        raise _damaged(path, kind, "its content is not what was written")
    if not isinstance(facts, dict) or header.keys() - {*keys, "version"}:
        raise _damaged(path, kind, "its header is not as written")
    return tensors, facts


def _checksum(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Return a digest of a header without its checksum, and of the tensors."""
    digest = hashlib.blake2b(json.dumps(dict(header), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        described = [name, str(tensor.dtype), list(tensor.shape)]
        digest.update(json.dumps(described).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]


def _put(path: Path, content: bytes) -> None:
    """Write under a name that no other writer has, then put it in place."""
    unique = f"{os.getpid()}-{secrets.token_hex(4)}"  # containers share process ids
    temporary = path.with_name(f".{path.name}.{unique}.partial")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    with suppress(OSError):  # some systems can't sync folders
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in an error that does not, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _read_header(file: IO[bytes], path: Path, kind: str) -> dict[str, str]:
    """Read what a file says besides its tensors, if they are as long as it says."""
    size = os.fstat(file.fileno()).st_size - _LENGTH
    length = int.from_bytes(file.read(_LENGTH), "little")
    if not 0 < length <= size:
        raise _damaged(path, kind, "it ends within its header")
    try:
        header = json.loads(file.read(length))
        told = dict(header.pop("__metadata__", None) or {})
        end = max((int(part["data_offsets"][1]) for part in header.values()), default=0)
    except (ArithmeticError, AttributeError, LookupError, RecursionError) as no:
        raise _damaged(path, kind, no) from no
    except (TypeError, ValueError) as no:
        raise _damaged(path, kind, no) from no
    if end != size - length:
        raise _damaged(path, kind, f"{size - length} bytes follow it, not {end}")
    return told


def _check_kind(path: Path, kind: str, header: Mapping[str, str], keys: Keys) -> None:
    if header.get(keys.kind) != kind:
        raise ValueError(
            f"{path} must be a {kind} file, got format {header.get(keys.kind)!r}."
        )
    if header.get("version") != str(VERSION):
        raise ValueError(
            f"{path} must have version {VERSION}, got {header.get('version')!r}; "
            "read it with the release that wrote it."
        )


def _damaged(path: Path, kind: str, reason: object) -> ValueError:
    return ValueError(
        f"{path} must be a complete {kind} file, but it is truncated or damaged "
        f"({reason}); delete it and make it again."
    )


def _refuse_folder(path: Path, kind: str) -> None:
    if path.is_dir():
        raise ValueError(
            f"{path} must be a {kind} file, got a folder; name a file in it, such as "
            f"{path / 'name.safetensors'}."
        )
