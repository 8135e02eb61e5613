"""Let one process at a time do something, on any platform."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

_PAUSE = 0.2  # seconds
_LOCKLESS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock, once whoever holds it lets go of it or ends in whatever way.

    The operating system keeps the lock, on a file that is made and deleted at the end:
    a process that is killed leaves the file at most, never the lock. Where a file
    system has no locks, as some of clusters, everybody goes on at once.

    Args:
        path: of the file.
        waiting: called several times a second meanwhile.

    Raises:
        OSError: if the file can't be made.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("ab"))
        while not (_taken(file.fileno()) and _is_at(file, path)):
            if _is_at(file, path):
                if waiting is not None:
                    waiting()
                time.sleep(_PAUSE)
            else:  # who held it has deleted it, another may have made it anew
                stack.close()
                file = stack.enter_context(path.open("ab"))
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows, while another waits
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def taken_if_free(path: Path) -> Iterator[bool]:
    """Hold a lock if nobody does, without waiting; say whether it is held now.

    It is never held where a file system has no locks, as nobody knows there who holds
    it. The file of one that is held, or that was not there, is deleted at the end.
    """
    new = not path.exists()
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("ab"))
            _lock(file.fileno())
            held = _is_at(file, path)
        except OSError:
            held = False
        try:
            yield held
        finally:
            if held or new:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Say whether an open file still has this path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _taken(descriptor: int) -> bool:
    try:
        _lock(descriptor)
    except (BlockingIOError, PermissionError):  # the latter is what Windows says
        return False
    except OSError as error:
        if error.errno not in _LOCKLESS:
            raise
    return True
