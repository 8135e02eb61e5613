"""Download one file over HTTP: resumed where it was cut, in place only when whole."""

import contextlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

_CHUNK = 1 << 18  # bytes
_TIMEOUT = 30.0  # seconds without a byte
_ATTEMPTS = 5  # while each changes something
_SATISFIED = 416  # HTTP: nothing is left of the range asked for


class IncompleteError(Exception):
    """The connection ended before the file did."""


def download(
    address: str,
    path: Path,
    *,
    signature: bytes = b"",
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Download a file.

    What has arrived is kept beside the path in a file ending in `.part`, and the next
    call goes on from there.

    Args:
        address: an HTTP address.
        path: where to put the file; its folder is made.
        signature: bytes that the file begins with.
        progress: told the bytes so far and those of the whole, 0 if not known.

    Raises:
        ValueError: if the server can't be reached, has no such file, or what it sent
            is not whole; says what to put where by hand.
    """
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _fetch_all(address, part, progress)
        _check_signature(part, signature)
    except (OSError, http.client.HTTPException, IncompleteError) as error:
        raise ValueError(
            f"expected {path.name} at {path}, found none and could not download it "
            f"from {address} ({_reason(error)}): give the same command again to go on, "
            "or fetch that address by other means and put the file there"
        ) from error
    os.replace(part, path)


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def _fetch_all(
    address: str, part: Path, progress: Callable[[int, int], None] | None
) -> None:
    """Fetch until the file is whole, as long as attempts change something."""
    for attempt in range(_ATTEMPTS):
        before = _size(part)
        try:
            return _fetch(address, part, progress)
        except (OSError, http.client.HTTPException, IncompleteError):
            if _size(part) == before or attempt == _ATTEMPTS - 1:
                raise
    return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(
    address: str, part: Path, progress: Callable[[int, int], None] | None
) -> None:
    have = _size(part)
    request = urllib.request.Request(address)
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            return _settle_refusal(error, part, have)
    with answer:
        begin, total = _extent(answer, have)
        with part.open("r+b" if begin else "wb") as file:
            file.seek(begin)
            file.truncate()
            _copy(answer, file, begin, total, progress)
    if total and _size(part) != total:
        raise IncompleteError(f"got {_size(part):,} of {total:,} bytes")
    return None


def _settle_refusal(error: urllib.error.HTTPError, part: Path, have: int) -> None:
    """Accept a refusal that says that all bytes are here; drop a part that is wrong."""
    if error.code == _SATISFIED and have:
        if _total(error.headers.get("Content-Range", "")) == have:
            return
        part.unlink()
        raise IncompleteError(
            f"the server has fewer than the {have:,} bytes that were there"
        )
    raise error


def _extent(answer: http.client.HTTPResponse, have: int) -> tuple[int, int]:
    """Return the first byte that comes and the size of the whole, 0 if not known."""
    if answer.status != http.client.PARTIAL_CONTENT:
        return 0, int(answer.headers.get("Content-Length", 0))
    told = answer.headers.get("Content-Range", "")
    if not told.startswith(f"bytes {have}-"):
        raise IncompleteError(f"asked for bytes from {have} on, got {told!r}")
    return have, _total(told)


def _total(content_range: str) -> int:
    found = re.search(r"/(\d+)$", content_range)
    return int(found[1]) if found else 0


def _copy(
    answer: IO[bytes],
    file: IO[bytes],
    begin: int,
    total: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    done = begin
    while chunk := answer.read(_CHUNK):
        file.write(chunk)
        done += len(chunk)
        if progress is not None:
            progress(done, total)


def _check_signature(part: Path, signature: bytes) -> None:
    with part.open("rb") as file:
        begin = file.read(len(signature))
    if begin != signature:
        with contextlib.suppress(OSError):
            part.unlink()
        raise IncompleteError(
            f"what came begins with {begin!r}, not with {signature!r}"
        )
