"""Tensors and JSON in one safetensors file, which is whole at every moment.

Both are in one file so that one rename makes both new at once: whoever reads it, also
after a kill or a power cut while it was written, finds the old pair or the new one.
"""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

VERSION = 1


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
    """
    _refuse_folder(path, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {
        keys.kind: kind,
        "version": str(VERSION),
        keys.facts: json.dumps(dict(facts)),
    }
    plain = {
        name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()
    }
    _put(path, save(plain, metadata=header))


def read(
    path: Path, kind: str, *, keys: Keys = USUAL
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write` wrote, onto the CPU; nothing in the file is executed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, of another kind or of another version, or
            the path is a folder's.
    """
    _refuse_folder(path, kind)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    content = path.read_bytes()  # once: the file may be replaced meanwhile
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise ValueError(
            f"{path} must be a complete {kind} file, but it is truncated or damaged "
            f"({error}); delete it and make it again."
        ) from error
    return tensors, _open_header(path, kind, _metadata(content), keys)


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


def _metadata(content: bytes) -> dict[str, str]:
    """Return what the header of a safetensors file says besides its tensors."""
    end = 8 + int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8:end])
    return header.get("__metadata__") or {}


def _open_header(
    path: Path, kind: str, header: Mapping[str, str], keys: Keys
) -> dict[str, Any]:
    """Check a file's kind and version and return its JSON."""
    if header.get(keys.kind) != kind:
        raise ValueError(
            f"{path} must be a {kind} file, got format {header.get(keys.kind)!r}."
        )
    if header.get("version") != str(VERSION):
        raise ValueError(
            f"{path} must have version {VERSION}, got {header.get('version')!r}; "
            "read it with the release that wrote it."
        )
    facts: dict[str, Any] = json.loads(header[keys.facts])
    return facts


def _refuse_folder(path: Path, kind: str) -> None:
    if path.is_dir():
        raise ValueError(
            f"{path} must be a {kind} file, got a folder; name a file in it, such as "
            f"{path / 'name.safetensors'}."
        )
