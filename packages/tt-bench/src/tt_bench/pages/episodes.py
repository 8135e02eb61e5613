"""Pictures and videos of episodes that lie beside results."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tt_bench.pages.boards import Board
from tt_bench.pages.document import Media
from tt_bench.pages.words import plain

_PLACES = ("plan.png", "rollouts/*.png", "rollouts/*.mp4")
PNG, _MP4 = "image/png", "video/mp4"
_KINDS = {b"\x89PNG\r\n\x1a\n": (0, PNG), b"ftyp": (4, _MP4)}


class Allowance:
    """How many bytes of pictures and of videos a page may still take."""

    def __init__(self, pictures: int, videos: int) -> None:
        """Begin with so many."""
        self._left = {PNG: pictures, _MP4: videos}

    def take(self, kind: str, size: int) -> bool:
        """Take bytes if there are as many left."""
        if size > self._left[kind]:
            return False
        self._left[kind] -= size
        return True


def find_media(board: Board, allowance: Allowance) -> tuple[list[Media], list[str]]:
    """Read the pictures and videos of a board's runs, and name those left out."""
    found, notes = [], []
    for path in _files(board.folders):
        kind = kind_of(path)
        if kind is None:
            notes.append(f"neither PNG nor MP4: {plain(path)}")
        elif not allowance.take(kind, path.stat().st_size):
            notes.append(f"not on the page, for its size: {plain(path)}")
        else:
            place = str(path.relative_to(path.parents[1]))
            found.append(Media(plain(place), kind, path.read_bytes(), path))
    return found, notes


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        for pattern in _PLACES:
            yield from (p for p in sorted(folder.glob(pattern)) if is_own(p, folder))


def is_own(path: Path, folder: Path) -> bool:
    """Say whether a path is a file in a folder by no link: those may lead anywhere."""
    inside = path.relative_to(folder)
    ways = (folder / way for way in (inside, *inside.parents[:-1]))
    return path.is_file() and not any(way.is_symlink() for way in ways)


def kind_of(path: Path) -> str | None:
    """Return what a file is by its first bytes, None if it is neither."""
    with path.open("rb") as file:
        head = file.read(16)
    for magic, (offset, kind) in _KINDS.items():
        if head[offset:].startswith(magic):
            return kind
    return None
