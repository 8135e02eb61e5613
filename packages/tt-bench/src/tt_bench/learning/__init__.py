"""A speedrun: ways to learn, timed until they know as much as the baseline does."""

from tt_bench.learning.entries import ENTRIES, Entry
from tt_bench.learning.record import Learned, Point
from tt_bench.learning.run import learn
from tt_bench.learning.table import tabulate_nats, tabulate_targets
from tt_bench.learning.targets import PARTS, final_targets, first_reached

__all__ = [
    "ENTRIES",
    "PARTS",
    "Entry",
    "Learned",
    "Point",
    "final_targets",
    "first_reached",
    "learn",
    "tabulate_nats",
    "tabulate_targets",
]
