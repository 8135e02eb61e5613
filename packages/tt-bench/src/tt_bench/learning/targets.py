"""What there is to reach, and when a training has reached it."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tt_bench.learning.record import Learned, Point

PARTS = ("observation", "action", "reward", "value")
"""Parts of a transition, each of which has a target: held-out nats of its tokens."""


def nats(point: Point, part: str) -> float:
    """Return the held-out nats of a part; NaN where there was nothing to predict."""
    found = point.nats.get(part)
    return math.nan if found is None else found


def final_targets(runs: Sequence[Learned]) -> dict[str, float]:
    """Return the nats of each part that runs ended with, the mean over their seeds."""
    return {
        part: float(np.mean([nats(run.end, part) for run in runs])) for part in PARTS
    }


def first_reached(run: Learned, targets: Mapping[str, float]) -> Point | None:
    """Find the first point of a curve at or below all the targets at once."""
    for point in run.curve:
        if all(nats(point, part) <= target for part, target in targets.items()):
            return point
    return None
