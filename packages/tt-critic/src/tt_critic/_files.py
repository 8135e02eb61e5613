"""Files: tensors as safetensors with JSON in the header, replaced in one step."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

VERSION = 1


def write(
    path: Path, kind: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> None:
    """Write a file of this kind under a temporary name, then put it in place.

    Raises:
        ValueError: If the path is a folder's.
    """
    _refuse_folder(path, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"format": kind, "version": str(VERSION), "facts": json.dumps(dict(facts))}
    plain = {
        name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()
    }
    fresh = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        save_file(plain, fresh, metadata=header)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def read(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, of another kind or of another version, or
            the path is a folder's.
    """
    _refuse_folder(path, kind)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            names = list(file.keys())
            tensors = {name: file.get_tensor(name).clone() for name in names}
    except SafetensorError as error:
        raise ValueError(
            f"{path} must be a complete {kind} file, but it is truncated or damaged "
            f"({error}); delete it and make it again."
        ) from error
    if header.get("format") != kind:
        raise ValueError(
            f"{path} must be a {kind} file, got format {header.get('format')!r}."
        )
    if header.get("version") != str(VERSION):
        raise ValueError(
            f"{path} must have version {VERSION}, got {header.get('version')!r}; "
            "read it with the release of tt-critic that wrote it."
        )
    return tensors, json.loads(header["facts"])


def _refuse_folder(path: Path, kind: str) -> None:
    if path.is_dir():
        raise ValueError(
            f"{path} must be a {kind} file, got a folder; name a file in it, such as "
            f"{path / 'critic.safetensors'}."
        )
