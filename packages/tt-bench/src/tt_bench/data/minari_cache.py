"""Minari's local datasets: which ids there are, and how one comes, whole or not at all.

The cache is `MINARI_DATASETS_PATH`, else `~/.minari/datasets`.
"""

import http.client
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from minari.dataset.minari_dataset import parse_dataset_id
from minari.storage import get_dataset_path

from tt_bench.files import remove_scratch, scratch_folder

WRITING, DOWNLOADING = "writing", "downloading"
"""Purposes of scratch folders in the cache."""

_CACHE = "MINARI_DATASETS_PATH"
_PATIENCE = 10.0  # seconds for the server's first sign of life
_SLOW = (ssl.SSLError, TimeoutError)  # may go well with Minari's own client
_CLIENT = """
import contextlib, sys, minari
try:
    with contextlib.redirect_stdout(sys.stderr):
        minari.download_dataset(sys.argv[1])
except Exception as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(1)
"""


def is_local(dataset_id: str) -> bool:
    """Say whether the local Minari cache holds a dataset; False for what is no id."""
    return is_id(dataset_id) and (dataset_folder(dataset_id) / "data").is_dir()


def dataset_folder(dataset_id: str) -> Path:
    """Return the folder in the cache that a dataset has or would have.

    Raises:
        ValueError: if it is no Minari id, or there is no place for the cache.
    """
    if not is_id(dataset_id):
        folder = os.path.isdir(os.path.expanduser(dataset_id))
        raise ValueError(
            "expected the path of an HDF5 file, or a Minari id with its version such "
            f"as mujoco/hopper/medium-v0, got {dataset_id!r}"
            f"{', which is a folder: name a file in it' if folder else ''}"
        )
    try:
        return Path(get_dataset_path(dataset_id))
    except OSError as error:
        raise ValueError(
            f"expected a folder for Minari's datasets, could not make it ({error}): "
            f"set {_CACHE} to another"
        ) from error


def is_id(dataset_id: str) -> bool:
    """Say whether a text is a Minari id with its version."""
    try:
        parse_dataset_id(dataset_id)
    except (ValueError, TypeError):  # TypeError where the version is missing
        return False
    return True


def tidy_cache() -> None:
    """Delete what killed processes left of datasets that they wrote or downloaded."""
    for purpose in (WRITING, DOWNLOADING):
        remove_scratch(Path(get_dataset_path()), purpose)


def fetch(dataset_id: str) -> None:
    """Download a dataset into the cache.

    It comes into a folder of its own and is moved when it is whole: nothing that was
    there before changes, and whatever stops it leaves nothing in the dataset's place.

    Raises:
        ValueError: if it is no Minari id, something else has its place, or it can't
            be downloaded.
    """
    target = dataset_folder(dataset_id)
    if os.path.lexists(target):
        raise ValueError(
            f"expected a Minari dataset or nothing at {target}, found something else: "
            "move it away and try again"
        )
    cache = Path(get_dataset_path())
    try:
        with scratch_folder(cache, DOWNLOADING) as folder:
            _download(dataset_id, folder)
            _move(folder, cache)
    except Exception as error:
        raise ValueError(
            f"expected a Minari dataset, found no {dataset_id!r} at {target} and could "
            f"not download it ({first_line(error)}): check the id with `minari list "
            f"remote`, the network, or {_CACHE}"
        ) from error
    if not is_local(dataset_id):
        raise ValueError(
            f"expected Minari dataset {dataset_id!r} after its download, found none: "
            "the server's copy is not whole; try again or choose another version"
        )


def _download(dataset_id: str, cache: Path) -> None:
    """Let Minari download into an empty cache, which is that of another process only.

    What it says goes to stderr.
    """
    _reach_server()
    client = subprocess.run(
        [sys.executable, "-c", _CLIENT, dataset_id],
        env=os.environ | {_CACHE: str(cache)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C ends it from here, without its own words
    )
    if client.returncode:
        reason = client.stdout.strip() or f"Minari's client ended: {client.returncode}"
        raise ConnectionError(reason)


def _reach_server() -> None:
    """Fail soon where there is no network: Minari's client would try for long."""
    if not os.environ.get("MINARI_REMOTE", "hf://").startswith("hf://"):
        return
    address = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    request = urllib.request.Request(address, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_PATIENCE).close()
    except urllib.error.HTTPError as answer:
        answer.close()
    except urllib.error.URLError as error:
        if not isinstance(error.reason, _SLOW):
            raise
    except (OSError, http.client.HTTPException):
        return


def _move(private: Path, cache: Path) -> None:
    """Move what is not there yet: files of namespaces, and datasets whole."""
    files = list(private.rglob("namespace_metadata.json"))
    datasets = [path.parent.parent for path in private.rglob("data/metadata.json")]
    for source in (*files, *datasets):
        target = cache / source.relative_to(private)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            _rename(source, target)


def _rename(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        if not target.exists():  # else another process was as fast
            raise


def first_line(error: BaseException) -> str:
    """Return an error's kind and the first line of what it says."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
