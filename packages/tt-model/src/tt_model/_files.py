"""One safetensors file with JSON in its header, whole at every moment.

Tensors and settings share a file so that one rename makes both new at once: whoever
reads it, also after a kill while it was written, finds the old or the new pair.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

VERSION = 1


def write_file(
    path: Path, kind: str, tensors: Mapping[str, Tensor], content: Mapping[str, Any]
) -> None:
    """Write tensors and JSON content to a temporary file, then move it to path."""
    header = {"kind": kind, "version": str(VERSION), "content": json.dumps(content)}
    kept = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(save(kept, metadata=header))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_file(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_file` wrote; nothing in the file is executed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated, of another kind or of a later version.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            content = _open_header(path, kind, file.metadata() or {})
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, content
    except SafetensorError as error:
        raise ValueError(
            f"{path} is not a whole safetensors file ({error}): it was cut short or "
            "damaged; delete it, or restore it from a copy"
        ) from error


def _open_header(path: Path, kind: str, header: Mapping[str, str]) -> dict[str, Any]:
    """Check a file's kind and version and return its JSON content."""
    if header.get("kind") != kind:
        raise ValueError(
            f"expected {path} to hold a {kind}; got {header.get('kind', 'neither')!r}: "
            "a model file is read by load, a training checkpoint by train"
        )
    if header.get("version") != str(VERSION):
        raise ValueError(
            f"{path} has format version {header.get('version')!r}, this tt-model reads "
            f"version '{VERSION}': install the tt-model that wrote it"
        )
    content: dict[str, Any] = json.loads(header["content"])
    return content
