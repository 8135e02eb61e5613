"""Let one process at a time do something, on any platform."""

import contextlib
import errno
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

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

    The operating system keeps the lock, on a file that is made: a process that is
    killed can't leave it behind. Delete the file only when nothing is left to be done.
    Where a file system has no locks, as some of clusters, everybody goes on at once.

    Args:
        path: of the file.
        waiting: called several times a second meanwhile.

    Raises:
        OSError: if the file can't be made.
    """
    with path.open("ab") as file:
        while not _taken(file.fileno()):
            if waiting is not None:
                waiting()
            time.sleep(_PAUSE)
        yield


def _taken(descriptor: int) -> bool:
    try:
        _lock(descriptor)
    except (BlockingIOError, PermissionError):  # the latter is what Windows says
        return False
    except OSError as error:
        if error.errno not in _LOCKLESS:
            raise
    return True
