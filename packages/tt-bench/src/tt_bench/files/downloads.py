"""Download one file over HTTP: resumed where it was cut, in place only when whole."""

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tt_bench.files.errors import first_line
from tt_bench.files.lock import locked, taken_if_free
from tt_bench.files.partial import Partial

_CHUNK = 1 << 18  # bytes
_TIMEOUT = 30.0  # seconds without a byte
_ATTEMPTS = 5  # while each changes something
_SATISFIED = 416  # HTTP: nothing is left of the range asked for

Progress = Callable[[int, int], None]


class IncompleteError(Exception):
    """What came is not the file, or not all of it."""


def download(
    address: str,
    path: Path,
    *,
    signature: bytes = b"",
    check: Callable[[Path], object] | None = None,
    progress: Progress | None = None,
) -> None:
    """Download a file that is not there; one process does, others wait for it.

    What has arrived is kept beside the path in a file ending in `.part`. The next call
    goes on from there if the server's file is still the same, by its ETag or date.

    Args:
        address: an HTTP address.
        path: where to put the file; its folder is made.
        signature: bytes that the file begins with: an answer that doesn't, such as a
            page that asks for a password, replaces nothing.
        check: called with the path of what came before it is put in place; raises
            OSError or ValueError if that is not whole.
        progress: told the bytes so far and those of the whole, 0 if not known.

    Raises:
        ValueError: if the server can't be reached, has no such file, or what it sent
            is not whole; says what to put where by hand.
    """
    part, lock = Partial.of(path), path.with_name(path.name + ".lock")
    waiting = None if progress is None else lambda: progress(part.size(), 0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(lock, waiting):
            if not path.exists():
                total = _fetch_all(address, part, signature, progress)
                _check(part, check, sized=total > 0)
                part.finish(path)
    except (OSError, http.client.HTTPException, IncompleteError) as error:
        raise ValueError(
            f"expected {path.name} at {path}, found none and could not download it "
            f"from {address} ({first_line(error)}): give the same command again to go "
            "on, or fetch that address by other means and put the file there"
        ) from error


def drop_rest(path: Path) -> None:
    """Delete what a killed process left beside a file that has been downloaded."""
    part, lock = Partial.of(path), path.with_name(path.name + ".lock")
    left = any(each.exists() for each in (part.file, part.tag, lock))
    if left and path.exists():
        with taken_if_free(lock) as free:
            if free:
                part.drop()


def _fetch_all(
    address: str, part: Partial, signature: bytes, progress: Progress | None
) -> int:
    """Fetch until nothing is missing, as long as attempts change something.

    Returns the size of the whole, 0 if not known.
    """
    for attempt in range(_ATTEMPTS):
        before = part.size(), part.validator()
        try:
            return _fetch(address, part, signature, progress)
        except (OSError, http.client.HTTPException, IncompleteError):
            after = part.size(), part.validator()
            if after == before or attempt == _ATTEMPTS - 1:
                raise
    return 0


def _fetch(
    address: str, part: Partial, signature: bytes, progress: Progress | None
) -> int:
    have = part.size() if part.validator() else 0
    request = urllib.request.Request(address)
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", part.validator())
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            return _settle_refusal(error, part, have)
    with answer:
        begin, total = _extent(answer, part, have)
        first = answer.read(_CHUNK)
        if not begin:
            _check_beginning(first, signature, total)
            part.begin(_validator(answer))
        with part.file.open("r+b") as file:
            file.seek(begin)
            file.truncate()
            _copy(first, answer, file, total, progress)
    if total and part.size() != total:
        raise IncompleteError(f"got {part.size():,} of {total:,} bytes")
    return total


def _settle_refusal(error: urllib.error.HTTPError, part: Partial, have: int) -> int:
    """Accept a refusal that says that all bytes are here; forget a part that is not."""
    if error.code != _SATISFIED or not have:
        raise error
    total = _total(error.headers.get("Content-Range", ""))
    if total != have:
        part.forget()
        told = f"{total:,} bytes" if total else "another number of bytes"
        raise IncompleteError(f"the server has {told}, {have:,} were there")
    return total


def _extent(
    answer: http.client.HTTPResponse, part: Partial, have: int
) -> tuple[int, int]:
    """Return the first byte that comes and the size of the whole, 0 if not known."""
    if answer.status != http.client.PARTIAL_CONTENT:
        return 0, int(answer.headers.get("Content-Length", 0))
    told = answer.headers.get("Content-Range", "")
    if not told.startswith(f"bytes {have}-"):
        raise IncompleteError(f"asked for bytes from {have} on, got {told!r}")
    if _validator(answer) not in ("", part.validator()):
        part.forget()
        raise IncompleteError("the server's file is another one by now")
    return have, _total(told)


def _validator(answer: http.client.HTTPResponse) -> str:
    """Return what tells this version of a file from others, "" if nothing does."""
    tag: str = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return tag
    return str(answer.headers.get("Last-Modified", ""))


def _total(content_range: str) -> int:
    found = re.search(r"/(\d+)$", content_range)
    return int(found[1]) if found else 0


def _copy(
    first: bytes,
    answer: IO[bytes],
    file: IO[bytes],
    total: int,
    progress: Progress | None,
) -> None:
    chunk = first
    while chunk:
        file.write(chunk)
        if progress is not None:
            progress(file.tell(), total)
        chunk = answer.read(_CHUNK)


def _check_beginning(first: bytes, signature: bytes, total: int) -> None:
    if total and not first:
        raise IncompleteError(f"got 0 of {total:,} bytes")
    begin = first[: len(signature)]
    if begin != signature:
        raise IncompleteError(
            f"what came begins with {begin!r}, not with {signature!r}"
        )


def _check(
    part: Partial, check: Callable[[Path], object] | None, *, sized: bool
) -> None:
    """Check what came; drop it if all that the server has came, and is wrong."""
    try:
        if check is not None:
            check(part.file)
    except (OSError, ValueError) as error:
        if sized:
            part.drop()
        raise IncompleteError(f"what came is not whole: {first_line(error)}") from error
