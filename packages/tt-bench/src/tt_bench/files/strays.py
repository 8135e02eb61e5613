"""What killed processes leave of the files and folders that they were writing.

Whoever writes one holds a lock meanwhile, and the operating system frees that of a
process that ends in whatever way: so what is free is nobody's, and may go.
"""

import contextlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tt_bench.files.lock import locked, taken_if_free

_WRITER = r"\d+(-[0-9a-f]{8})?"  # as `writer` says; once the process id alone
_STRAY = re.compile(
    rf".+\.{_WRITER}\.(partial|once)(\.[^.]+)?"  # this package's
    rf"|\..+\.{_WRITER}\.(partial|part)"  # networks', critics' and tokenizers'
    r"|(model|checkpoint)\.safetensors\.tmp"  # those of an earlier version
)


def writer() -> str:
    """Return a name that no other writer has; containers share process ids."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file that is written under a name of `writer`, which is gone at the end.

    Windows can't move files that are open, nor delete them, so that none is held there.
    """
    with contextlib.nullcontext() if sys.platform == "win32" else locked(path):
        yield


def strays(folder: Path) -> list[Path]:
    """List the files of a folder that their writers have not finished, or not yet."""
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if _STRAY.fullmatch(path.name)]


def remove_strays(folder: Path) -> None:
    """Delete files of a folder that nobody writes any more."""
    for path in strays(folder):
        with taken_if_free(path):  # and deleted then
            pass


@contextlib.contextmanager
def scratch_folder(parent: Path, purpose: str) -> Iterator[Path]:
    """Give a folder of one's own, hidden beside others, which is gone at the end.

    Those of the same purpose that nobody has any more are deleted first.
    """
    remove_scratch(parent, purpose)
    folder = parent / f".{purpose}-{secrets.token_hex(8)}"
    with locked(_lock_of(folder)):
        try:
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_scratch(parent: Path, purpose: str) -> None:
    """Delete the scratch folders of a purpose that nobody has any more."""
    name = re.compile(rf"\.{purpose}-[0-9a-z_]{{8,16}}")
    found = {path.with_suffix("") for path in parent.glob(f".{purpose}-*")}
    for folder in filter(lambda path: name.fullmatch(path.name), found):
        with taken_if_free(_lock_of(folder)) as free:
            if free:
                shutil.rmtree(folder, ignore_errors=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
