"""One row of the speed table."""

from typing import NamedTuple


class Measurement(NamedTuple):
    """The time of an operation beside what it is compared with.

    Attributes:
        name: The operation and its size.
        seconds: What it took.
        reference: What it is compared with, in the same run.
        reference_seconds: What that took for the same work.
        floor: Seconds that the work takes at least on this machine; 0 if not known.
        rate: The same as work in a unit of time, where that is usual.
        memory: Bytes by which it raised the memory in use, if measured.
        note: How the reference's time came about where it was not simply measured.
    """

    name: str
    seconds: float
    reference: str
    reference_seconds: float
    floor: float = 0.0
    rate: str = ""
    memory: float | None = None
    note: str = ""
