"""Agents without memory: random actions, and any function of the observations."""

from collections.abc import Callable

import attrs
import numpy as np

from tt_bench.agents.bounds import action_numbers
from tt_bench.files import one_line
from tt_bench.interface import BoolArray, FloatArray


class RandomAgent:
    """Draw actions uniformly from the box between low [Da] and high [Da]."""

    def __init__(self, low: FloatArray, high: FloatArray) -> None:
        """Take the bounds, which must be finite.

        Raises:
            ValueError: if they are not, or further apart than a number can be, or
                have other shapes.
        """
        action_numbers(low, high)
        with np.errstate(over="ignore", invalid="ignore"):
            width = np.subtract(high, low, dtype=np.float64)
        if not np.isfinite(width).all():
            raise ValueError(
                f"expected finite action bounds, got {one_line(low)} to "
                f"{one_line(high)}: choose a box and "
                "wrap the environment in gymnasium.wrappers.TransformAction(env, "
                "lambda action: action, box), or leave random actions out"
            )
        self._low = low
        self._high = high
        self._generator = np.random.default_rng(0)

    def start(self, count: int, seed: int, /) -> None:
        """Seed the draws."""
        del count
        self._generator = np.random.default_rng(seed)

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Draw an action for every row; those of rows that have ended are zeros."""
        size = (len(observations), len(self._low))
        drawn = self._generator.uniform(self._low, self._high, size)
        return np.where(active[:, None], drawn, 0).astype(np.float32)

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Learn nothing."""


@attrs.frozen(eq=False)
class FunctionAgent:
    """Act by a function of the observations, clipped to the action box.

    `function` maps observations [E, Do] to actions [E, Da]; it may be a trained
    policy. `low` and `high` [Da] are the bounds of the actions.
    """

    function: Callable[[FloatArray], FloatArray]
    low: FloatArray
    high: FloatArray

    def __attrs_post_init__(self) -> None:
        """Check the shapes of the bounds."""
        action_numbers(self.low, self.high)

    def start(self, count: int, seed: int, /) -> None:
        """Do nothing: the function has no memory."""

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Ask the function for the active rows; others get zeros."""
        actions = np.zeros((len(observations), len(self.low)), np.float32)
        chosen = self.function(observations[active])
        actions[active] = np.clip(chosen, self.low, self.high)
        return actions

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Learn nothing."""
