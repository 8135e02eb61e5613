"""Fitted bins in a file: an .npz archive of plain arrays, one of them JSON text."""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tt_tokenize._archive import check_archive
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

    The file is an .npz archive without pickles, whatever its name ends in.
    """
    about = {"format": _FORMAT, "version": _VERSION, "kind": type(bins).__name__}
    text = np.array(json.dumps(about))
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            np.savez(file, about=text, edges=bins.edges, middles=bins.middles)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def load(path: str | os.PathLike[str]) -> Bins:
    """Read bins that `save` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, is something else or has an unknown version.
    """
    content = Path(path).read_bytes()
    try:
        arrays, about = _parse(content)
    except Exception as error:  # a damaged archive makes its readers raise anything
        raise ValueError(
            f"{os.fspath(path)} is damaged or was not written by tt_tokenize.save: "
            "save the bins again"
        ) from error
    if about["version"] != _VERSION or about["kind"] not in _KINDS:
        raise ValueError(
            f"{os.fspath(path)} holds {about['kind']} in format version "
            f"{about['version']}, this release reads version {_VERSION} of "
            f"{', '.join(_KINDS)}: update tt-tokenize"
        )
    try:
        return _KINDS[about["kind"]](arrays["edges"], arrays["middles"])
    except (KeyError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)} holds no usable bins: {error}") from error


def _parse(content: bytes) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Return the arrays of an archive, and what it says about itself."""
    check_archive(io.BytesIO(content), len(content))
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = dict(archive)
    about = json.loads(str(arrays.pop("about")))
    if about["format"] != _FORMAT or not {"version", "kind"} <= about.keys():
        raise ValueError(f"unknown format {about['format']!r}")
    return arrays, about
