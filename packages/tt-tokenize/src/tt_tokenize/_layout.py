"""Where the parts of a transition lie among its numbers.

N rows, P numbers of a transition.
"""

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from tt_tokenize._input import real_array, whole, within_float32

_Validator = Callable[[Any, "attrs.Attribute[int]", int], None]


def _at_least(low: int) -> _Validator:
    def check(_: Any, attribute: "attrs.Attribute[int]", value: int) -> None:
        whole(value, f"Layout's {attribute.name} size", low)

    return check


@attrs.frozen
class Layout:
    """Name the parts of a transition: observation, action, reward, value.

    Sizes count numbers; only the observation needs one or more.

    Raises:
        ValueError: A size is not a whole number or is too small.
    """

    observation: int = attrs.field(validator=_at_least(1))
    action: int = attrs.field(validator=_at_least(0))
    reward: int = attrs.field(default=1, validator=_at_least(0))
    value: int = attrs.field(default=1, validator=_at_least(0))

    @property
    def width(self) -> int:
        """Count the numbers of a transition, P."""
        return self.observation + self.action + self.reward + self.value

    @property
    def observation_slice(self) -> slice:
        """Select the observation's positions."""
        return slice(0, self.observation)

    @property
    def action_slice(self) -> slice:
        """Select the action's positions."""
        start = self.observation
        return slice(start, start + self.action)

    @property
    def reward_slice(self) -> slice:
        """Select the reward's positions."""
        start = self.observation + self.action
        return slice(start, start + self.reward)

    @property
    def value_slice(self) -> slice:
        """Select the value's positions."""
        return slice(self.width - self.value, self.width)


def join(
    observations: npt.ArrayLike,
    actions: npt.ArrayLike,
    rewards: npt.ArrayLike,
    values: npt.ArrayLike | None = None,
) -> npt.NDArray[np.float32]:
    """Put the parts of every transition side by side, as float32 [N, P].

    Observations are [N, Do], actions [N, Da], rewards and values [N]. Without values
    there is no value column, as in `Layout(..., value=0)`.

    Raises:
        ValueError: A part has another shape or a number beyond float32, or rows are
            not equally many.
    """
    parts = [
        _part(observations, "observations", 2),
        _part(actions, "actions", 2),
        _part(rewards, "rewards", 1),
    ]
    if values is not None:
        parts.append(_part(values, "values", 1))
    rows = [len(part) for part in parts]
    if len(set(rows)) > 1:
        raise ValueError(
            f"every part needs the same number of rows, got {rows} for observations, "
            "actions, rewards, values: cut them to the same steps"
        )
    return np.concatenate(parts, axis=1)


def _part(data: npt.ArrayLike, name: str, dimensions: int) -> npt.NDArray[np.float32]:
    numbers = real_array(data, name)
    if numbers.ndim != dimensions:
        wanted = "[rows]" if dimensions == 1 else "[rows, columns]"
        raise ValueError(
            f"{name} must have shape {wanted}, got {list(numbers.shape)}: reshape them"
        )
    columns = numbers.reshape(len(numbers), -1)
    return within_float32(columns, name, "scale them down first")
