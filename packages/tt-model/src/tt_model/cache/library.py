"""The compiled step of the CPU: built on first use, kept for later processes.

A library is code that runs as this user. It is loaded only from a folder that nobody
else can write to, and is named for its source, its compiler and the processor it was
built for, so that another one is built where any of them differs.

The environment decides, once a process: TT_MODEL_COMPILED=0 does without the library,
CXX names the compiler, and XDG_CACHE_HOME the folder in which tt-model keeps its own.
"""

import ctypes
import hashlib
import logging
import os
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_SOURCE = Path(__file__).with_name("step.cpp")
_FLAGS = (
    *("-O3", "-march=native", "-std=c++17", "-shared", "-fPIC", "-pthread"),
    *("-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros"),
    # What is not among them: -ffast-math, which would lose NaN and infinity.
    *("-fassociative-math", "-ffp-contract=fast"),
)
_SECONDS = 120.0  # that a compiler may take
_UNFINISHED = ".building-"
_LOG = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def load_library() -> ctypes.CDLL | None:
    """Return the library, built if need be; None, said once, where it can't be had."""
    if os.environ.get("TT_MODEL_COMPILED") == "0":
        return None
    try:
        return ctypes.CDLL(str(_find_or_build()))
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        _LOG.warning(
            "planning on the CPU goes on without its compiled step, at about half the "
            "speed (TT_MODEL_COMPILED=0 says that this is meant): %s",
            error,
        )
        return None


def _find_or_build() -> Path:
    compiler = _find_compiler()
    folder = _own_folder()
    path = folder / f"step-{_fingerprint(compiler)}.so"
    if not path.exists():
        _build(compiler, path)
    _check_own(path, stat.S_ISREG)
    return path


def _find_compiler() -> list[str]:
    """Return the command of the C++ compiler: CXX, or what is usual."""
    named = os.environ.get("CXX")
    if named:
        return shlex.split(named)
    for name in ("c++", "g++", "clang++"):
        found = shutil.which(name)
        if found:
            return [found]
    raise RuntimeError(
        "there is no C++ compiler; install g++ or clang++, or name it in CXX"
    )


def _own_folder() -> Path:
    """Return the folder of libraries, made if need be."""
    if not hasattr(os, "getuid"):
        raise RuntimeError("this system does not say whose a folder is")
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "tt-model"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_own(folder, stat.S_ISDIR)
    return folder


def _check_own(path: Path, is_kind: Callable[[int], bool]) -> None:
    """Raise RuntimeError unless a path is this user's, for no other to write."""
    found = path.lstat()
    shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if found.st_uid != os.getuid() or shared or not is_kind(found.st_mode):
        raise RuntimeError(
            f"{path} must be yours and writable by nobody else, as code is loaded from "
            "there; remove it, or set XDG_CACHE_HOME to a folder of your own"
        )


def _fingerprint(compiler: list[str]) -> str:
    """Name source, flags, and what the compiler says of itself and the processor."""
    asked = [*compiler, "-march=native", "-dM", "-E", "-x", "c++", os.devnull]
    macros = subprocess.run(asked, capture_output=True, check=True, timeout=_SECONDS)
    parts = (_SOURCE.read_bytes(), " ".join(_FLAGS).encode(), macros.stdout)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _build(compiler: list[str], path: Path) -> None:
    """Compile in a folder of its own, then move into place: whole or absent."""
    _remove_unfinished(path.parent)
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=path.parent) as folder:
        partial = Path(folder) / path.name
        asked = [*compiler, *_FLAGS, str(_SOURCE), "-o", str(partial)]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_SECONDS)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(asked)} failed: {done.stderr.strip()}")
        partial.chmod(0o700)
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        partial.replace(path)


def _remove_unfinished(folder: Path) -> None:
    """Remove what builds left that were killed, by their age."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):  # another process removes it too
            if time.time() - left.stat().st_mtime > 10 * _SECONDS:
                shutil.rmtree(left)
