"""Make a file once, however many processes ask for it and however they end."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tt_bench.files.errors import first_line
from tt_bench.files.lock import locked
from tt_bench.files.strays import remove_strays, strays

_LOCK = "in-use.lock"


def make_once(
    path: Path,
    make: Callable[[], None],
    *,
    scaffold: Sequence[str] = (),
    waiting: Callable[[], None] | None = None,
) -> None:
    """Make a file that is not there; one process does, others wait for it.

    The process that makes it owns the folder meanwhile, and removes what processes
    that were killed there left unfinished. One that is killed owns nothing any more.

    Args:
        path: of the file, in a folder of its own, which is made.
        make: makes it, all at once at the end.
        scaffold: names of files beside it that `make` goes on from when it was
            stopped, and that nobody needs once it has ended.
        waiting: called several times a second while another process makes it.
    """
    folder = path.parent
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / _LOCK, waiting):
            remove_strays(folder)
            if not path.exists():
                make()
            _remove(_present(folder, scaffold))
    elif strays(folder) or _present(folder, (*scaffold, _LOCK)):
        with contextlib.suppress(OSError), locked(folder / _LOCK):  # or it can't be
            remove_strays(folder)
            _remove(_present(folder, scaffold))


@contextlib.contextmanager
def remade_if_deleted(folder: Path) -> Iterator[None]:
    """Say of files that can't be read what to do about their folder.

    Raises:
        ValueError: in place of a ValueError or a FileNotFoundError.
    """
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        raise ValueError(
            f"{first_line(error)}; delete the folder {folder} and give the same "
            "command to train again"
        ) from error


def _present(folder: Path, names: Sequence[str]) -> list[Path]:
    return [folder / name for name in names if (folder / name).exists()]


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
