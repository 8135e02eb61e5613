"""What a case of the campaign is, and what came of it."""

import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """Name a case: everything in it is drawn from these two numbers and its kind."""

    seed: int
    number: int

    def draws(self, kind: str) -> np.random.Generator:
        """Begin the random draws of this case of a kind."""
        return np.random.default_rng(
            [self.seed, zlib.crc32(kind.encode()), self.number]
        )


class Verdict(NamedTuple):
    """Say what came of a case.

    Attributes:
        outcome: in a word, to be counted: "returned", "refused", "hang" ...
        fault: which law was broken and how; None if none was.
        what: what was done, for people who want to do it again.
    """

    outcome: str
    fault: str | None
    what: str


class Kind(NamedTuple):
    """A kind of cases.

    Attributes:
        name: one word.
        run: does a case, from its random draws, and judges it.
        prepare: makes once what many cases share.
        seconds: that a case may take; more is a hang.
        memory: bytes that a case may take besides those there at the start.
        batch: cases that one process does.
    """

    name: str
    run: Callable[[np.random.Generator], Verdict]
    prepare: Callable[[], None]
    seconds: float
    memory: int
    batch: int
