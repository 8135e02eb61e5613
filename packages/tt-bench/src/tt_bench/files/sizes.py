"""Compare what a file claims to hold with its size and with the memory, unread."""

import os
import sys
from pathlib import Path

_UNASKED = 2**28  # bytes that any file may claim
_RATIO = 200  # of a claim to the file; real data don't compress as well
_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container on Linux


def check_claim(
    what: str, claimed: int, stored: int, kind: type[ValueError] = ValueError
) -> None:
    """Refuse a file that claims far more data than it can hold.

    Args:
        what: names the file and its place.
        claimed: bytes of data that it says it has.
        stored: bytes of the file.
        kind: of the error.

    Raises:
        ValueError: of that kind.
    """
    if claimed > max(_UNASKED, _RATIO * stored):
        raise kind(
            f"expected a whole {what}, which claims {claimed:,} bytes of data and has "
            f"{stored:,}: it is damaged, or made to fill the memory; fetch or make it "
            "again"
        )


def check_memory(what: str, needed: int, kind: type[ValueError] = ValueError) -> None:
    """Refuse data for which the machine, or its container, has no memory.

    Args:
        what: names the data.
        needed: bytes.
        kind: of the error.

    Raises:
        ValueError: of that kind.
    """
    there = _total_memory()
    if needed > there:
        raise kind(
            f"expected data that fit into the memory, {what} needs {needed:,} bytes of "
            f"{there:,}: take a part of it, or a larger machine"
        )


def _total_memory() -> int:
    """Return the bytes of memory that the process could have at most."""
    try:
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # unknown on some systems
        physical = sys.maxsize
    try:
        return min(physical, int(_LIMIT.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return physical
