"""What a training took, as its notes say."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tt_bench.results import is_number, is_whole


class Clock:
    """Count the seconds of a training, those of an earlier part of it included."""

    def __init__(self, earlier: float) -> None:
        """Go on from what was counted before."""
        self._began = time.perf_counter() - earlier

    def seconds(self) -> float:
        """Return the seconds so far."""
        return time.perf_counter() - self._began

    @contextmanager
    def stopped(self) -> Iterator[float]:
        """Leave out what something else takes; it is given the seconds so far."""
        before = self.seconds()
        try:
            yield before
        finally:
            self._began = time.perf_counter() - before


def read_seconds(notes: dict[str, Any]) -> float:
    """Return the seconds that were spent.

    Raises:
        KeyError: if the notes don't say.
        ValueError: if they say what can't be.
    """
    seconds = notes["seconds"]
    if not is_number(seconds) or seconds < 0:
        raise ValueError(f"expected seconds of at least 0, got {seconds!s:.80}")
    return float(seconds)


def read_spent(notes: dict[str, Any]) -> tuple[int, float]:
    """Return the steps that were made and the seconds that were spent.

    Raises:
        KeyError: if the notes don't say.
        ValueError: if they say what can't be.
    """
    steps = notes["steps"]
    if not is_whole(steps) or steps < 0:
        raise ValueError(f"expected whole steps, at least 0, got {steps!s:.80}")
    return int(steps), read_seconds(notes)
