"""Put returns on the scale where 0 is a random policy and 100 an expert."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

REFERENCE_RETURNS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "ant": (-325.6, 3879.7),
        "antmaze": (0.0, 1.0),
        "halfcheetah": (-280.178953, 12135.0),
        "hopper": (-20.272305, 3234.3),
        "walker2d": (1.629008, 4592.3),
    }
)
"""Mean returns (random, expert) that D4RL (arXiv 2004.07219) scores with, by family."""


def reference_returns(env_id: str) -> tuple[float, float] | None:
    """Look up D4RL's reference returns (random, expert) of an environment's family.

    Only ids that begin with a family of `REFERENCE_RETURNS` have them: `Hopper-v5`
    and `AntMaze_UMaze-v5` do, `Pendulum-v1` doesn't.
    """
    family = re.split("[-_]", env_id.rpartition("/")[2])[0]
    return REFERENCE_RETURNS.get(family.lower())


def normalise(
    returns: ArrayLike, reference: tuple[float, float]
) -> NDArray[np.float64]:
    """Return 100 * (return - random) / (expert - random), of the shape of the returns.

    Args:
        returns: undiscounted returns of episodes.
        reference: mean return of a random policy and of an expert.

    Raises:
        ValueError: if the expert's return isn't above the random one.
    """
    random, expert = reference
    if not random < expert:
        raise ValueError(
            "expected a reference (random return, expert return) that increases, "
            f"got {reference}"
        )
    return 100.0 * (np.asarray(returns, np.float64) - random) / (expert - random)
