"""Fitted bins in a file: an .npz archive of plain arrays, one of them JSON text."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tt_tokenize._arrays import checksum, read_arrays, write_arrays
from tt_tokenize._bins import Bins
from tt_tokenize._quantile import QuantileBins
from tt_tokenize._uniform import UniformBins

_FORMAT = "tt-tokenize bins"
_VERSION = 1
_KINDS: dict[str, type[Bins]] = {
    "QuantileBins": QuantileBins,
    "UniformBins": UniformBins,
}


def save(bins: Bins, path: str | os.PathLike[str]) -> None:
    """Write fitted bins to a file, all of it or nothing.

    The file is an .npz archive without pickles, whatever its name ends in, with a
    checksum.

    Raises:
        OSError: The file can't be written; the error names it.
    """
    arrays = {"edges": bins.edges, "middles": bins.middles}
    about = {"format": _FORMAT, "version": _VERSION, "kind": type(bins).__name__}
    text = json.dumps({**about, "checksum": checksum(_told(about), arrays)})
    _put(Path(path), write_arrays({"about": np.array(text), **arrays}))


def load(path: str | os.PathLike[str]) -> Bins:
    """Read bins that `save` wrote; those of earlier versions have no checksum.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged or altered, is something else or has an unknown
            version.
    """
    content = Path(path).read_bytes()
    try:
        arrays, about = _parse(content)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as no:
        raise ValueError(
            f"{os.fspath(path)} is damaged or was not written by tt_tokenize.save: "
            "save the bins again"
        ) from no
    if about["version"] != _VERSION or about["kind"] not in _KINDS:
        raise ValueError(
            f"{os.fspath(path)} holds {about['kind']} in format version "
            f"{about['version']}, this release reads version {_VERSION} of "
            f"{', '.join(_KINDS)}: update tt-tokenize"
        )
    _check_content(path, arrays, about)
    try:
        return _KINDS[about["kind"]](arrays["edges"], arrays["middles"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)} holds no usable bins: {error}") from error


def _put(path: Path, content: bytes) -> None:
    """Write under a name that no other writer has, then put it in place."""
    unique = f"{os.getpid()}-{secrets.token_hex(4)}"  # containers share process ids
    part = path.with_name(f".{path.name}.{unique}.partial")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        part.unlink(missing_ok=True)


def _parse(content: bytes) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Return the arrays of an archive, and what it says about itself."""
    arrays = read_arrays(content)
    about = json.loads(str(arrays.pop("about")))
    if about["format"] != _FORMAT or not isinstance(about["kind"], str):
        raise ValueError(f"unknown format {about['format']!r}")
    return arrays, {"version": None, **about}


def _check_content(
    path: str | os.PathLike[str],
    arrays: dict[str, npt.NDArray[Any]],
    about: dict[str, Any],
) -> None:
    """Refuse what is not as it was written, if its checksum is known."""
    told = {name: about[name] for name in about if name != "checksum"}
    if "checksum" in about and about["checksum"] != checksum(_told(told), arrays):
        raise ValueError(
            f"{os.fspath(path)} is damaged: its content is not what was written; save "
            "the bins again"
        )
    if about.keys() - {"checksum", "format", "kind", "version"}:
        raise ValueError(
            f"{os.fspath(path)} is damaged: its description is not as written; save "
            "the bins again"
        )


def _told(about: dict[str, Any]) -> str:
    return json.dumps(about, sort_keys=True)
