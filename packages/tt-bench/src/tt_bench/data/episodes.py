"""Episodes of any environment as flat arrays, one after the other."""

from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from tt_bench.files import one_line


def _as_array(values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:  # ragged
        return np.asarray(values, np.object_)


def _as_float(values: Any) -> NDArray[np.float32]:
    numbers = _as_array(values)
    if numbers.dtype.kind not in "biuf":
        raise ValueError(
            "expected arrays of numbers as observations, actions and rewards, got "
            f"{numbers.dtype}: convert them first"
        )
    with np.errstate(over="ignore"):  # refused as infinite
        return np.asarray(numbers, dtype=np.float32)


def _as_ends(values: Any) -> NDArray[np.int64]:
    ends = _as_array(values)
    if ends.size and not np.issubdtype(ends.dtype, np.integer):
        raise ValueError(f"expected whole numbers as ends, got {ends.dtype}")
    return ends.astype(np.int64)  # too large unsigned ones become negative


def _as_flags(values: Any) -> NDArray[np.bool_]:
    flags = _as_array(values)
    if flags.dtype.kind not in "biuf" or (flags != flags).any():
        raise ValueError(
            f"expected True or False as terminated, got {flags.dtype} with others: say "
            "for each episode whether it terminated"
        )
    return np.asarray(flags, dtype=np.bool_)


@attrs.frozen(eq=False)
class Episodes:
    """Hold E episodes of N transitions in all.

    Observation `t` of an episode is what action `t` was chosen from. What came after
    the last action of each episode is in `final_observations`.

    Attributes:
        observations: float32 [N, observation].
        actions: float32 [N, action].
        rewards: float32 [N].
        ends: int64 [E], exclusive end of each episode, strictly increasing to N.
        terminated: bool [E], False where a time limit or the end of the data cut.
        final_observations: float32 [E, observation].

    Raises:
        ValueError: if shapes disagree, an episode is empty, or a number isn't finite.
    """

    observations: NDArray[np.float32] = attrs.field(converter=_as_float)
    actions: NDArray[np.float32] = attrs.field(converter=_as_float)
    rewards: NDArray[np.float32] = attrs.field(converter=_as_float)
    ends: NDArray[np.int64] = attrs.field(converter=_as_ends)
    terminated: NDArray[np.bool_] = attrs.field(converter=_as_flags)
    final_observations: NDArray[np.float32] = attrs.field(converter=_as_float)

    def __attrs_post_init__(self) -> None:
        """Check the arrays against each other."""
        _check_ends(self.ends)
        transitions, count = int(self.ends[-1]), len(self.ends)
        _check_shape("observations", self.observations, (transitions, None))
        _check_shape("actions", self.actions, (transitions, None))
        _check_shape("rewards", self.rewards, (transitions,))
        _check_shape("terminated", self.terminated, (count,))
        width = self.observations.shape[1]
        _check_shape("final_observations", self.final_observations, (count, width))
        for name in ("observations", "actions", "rewards", "final_observations"):
            _check_finite(name, getattr(self, name))

    def __len__(self) -> int:
        """Count the transitions."""
        return int(self.ends[-1])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of transitions of each episode: [E]."""
        return np.diff(self.ends, prepend=0)

    def next_observations(self) -> NDArray[np.float32]:
        """Return what followed each action: float32 [N, observation]."""
        following = np.empty_like(self.observations)
        following[:-1] = self.observations[1:]
        following[self.ends - 1] = self.final_observations
        return following

    def returns(self) -> NDArray[np.float64]:
        """Return the sum of rewards of each episode: float64 [E]."""
        starts = self.ends - self.lengths
        return np.add.reduceat(self.rewards, starts, dtype=np.float64)

    def terminations(self) -> NDArray[np.bool_]:
        """Mark the transitions that truly ended an episode: bool [N]."""
        marks = np.zeros(len(self), dtype=np.bool_)
        marks[self.ends[self.terminated] - 1] = True
        return marks


def _check_ends(ends: NDArray[np.int64]) -> None:
    if ends.ndim != 1 or len(ends) == 0 or (np.diff(ends, prepend=0) < 1).any():
        raise ValueError(
            "expected ends [E] that increase strictly from above 0, one an episode, "
            f"got {one_line(ends)}: drop empty episodes"
        )


def _check_shape(
    name: str, array: NDArray[np.generic], shape: tuple[int | None, ...]
) -> None:
    fits = array.ndim == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(shape, array.shape, strict=True)
    )
    if not fits or 0 in array.shape:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ValueError(
            f"expected {name} of shape [{wanted}], got {list(array.shape)}: "
            "arrays must agree with ends[-1] transitions and len(ends) episodes"
        )


def _check_finite(name: str, array: NDArray[np.float32]) -> None:
    if not np.isfinite(array).all():
        place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(
            f"expected finite {name}, got {array[place]} in row {place[0]}: "
            "clean the data first"
        )
