"""Offline transitions: what they must be, and how they lie on a device."""

from typing import Any, NamedTuple

import attrs
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Bounds = tuple[ArrayLike, ArrayLike]
_ROUNDING = 1e-5  # of the width of the action space


class Transitions(NamedTuple):
    """Hold N transitions as arrays; the order of rows does not matter.

    Attributes:
        observations: [N, Do].
        actions: [N, Da].
        rewards: [N].
        next_observations: [N, Do].
        terminations: [N] bool; True where the task ended, False at a time limit.
    """

    observations: NDArray[Any]
    actions: NDArray[Any]
    rewards: NDArray[Any]
    next_observations: NDArray[Any]
    terminations: NDArray[Any]


@attrs.frozen
class Sizes:
    """Count the numbers of an observation and of an action."""

    observation: int
    action: int


def check_data(
    transitions: Transitions, bounds: Bounds
) -> tuple[Sizes, NDArray[np.float32]]:
    """Return the sizes and the action space [2, Da], or raise ValueError."""
    space = check_bounds(bounds, _last_axis(transitions.actions))
    return check_transitions(transitions, space), space


def _last_axis(actions: Any) -> int:
    """Return Da, or 1 where the actions have no columns, which is reported later."""
    shape = np.shape(actions)
    return max(shape[-1], 1) if len(shape) == 2 else 1


def check_bounds(bounds: Bounds, action: int) -> NDArray[np.float32]:
    """Return the action space as float32 [2, Da]: low, high."""
    try:
        low, high = (np.broadcast_to(np.asarray(b, np.float32), action) for b in bounds)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"bounds must be a pair (low, high), each a number or {action} numbers, "
            f"got {bounds!r}; pass (action_space.low, action_space.high)."
        ) from error
    if not (np.isfinite([low, high]).all() and (low < high).all()):
        raise ValueError(
            f"bounds must be finite and low below high, got low {low} and high {high}; "
            "clip an unbounded action space to the range of the data."
        )
    return np.stack([low, high])


def check_transitions(transitions: Transitions, bounds: NDArray[np.float32]) -> Sizes:
    """Return the sizes, or raise ValueError naming the first thing that is wrong."""
    arrays = Transitions(*(np.asarray(array) for array in transitions))
    sizes = _check_shapes(arrays)
    for name, array in zip(Transitions._fields, arrays, strict=True):
        _check_numbers(name, array)
    if not np.isin(arrays.terminations, (0, 1)).all():
        raise ValueError(
            "terminations must be bool, or 0 and 1, got other numbers; pass the "
            "environment's `terminated` flags."
        )
    _check_actions(arrays.actions, bounds)
    return sizes


def _check_shapes(arrays: Transitions) -> Sizes:
    wanted = {"observations": 2, "actions": 2, "next_observations": 2}
    for name, array in zip(Transitions._fields, arrays, strict=True):
        if array.ndim != wanted.get(name, 1):
            raise ValueError(
                f"{name} must have {wanted.get(name, 1)} axes, got shape "
                f"{array.shape}; flatten episodes into rows of transitions."
            )
    lengths = dict(zip(Transitions._fields, map(len, arrays), strict=True))
    if len(set(lengths.values())) != 1:
        raise ValueError(
            f"transitions must have equal lengths, got {lengths}; an episode of T "
            "actions gives T transitions."
        )
    if 0 in (len(arrays.rewards), *arrays.observations.shape, *arrays.actions.shape):
        raise ValueError(
            f"transitions must not be empty, got observations of shape "
            f"{arrays.observations.shape} and actions of shape {arrays.actions.shape}; "
            "pass at least one transition."
        )
    if arrays.observations.shape != arrays.next_observations.shape:
        raise ValueError(
            f"next_observations must have the shape of observations "
            f"{arrays.observations.shape}, got {arrays.next_observations.shape}."
        )
    return Sizes(arrays.observations.shape[1], arrays.actions.shape[1])


def _check_numbers(name: str, array: NDArray[Any]) -> None:
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold real numbers, got dtype {array.dtype}.")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise ValueError(
            f"{name} must be finite, got {array[row]} at row {row}; drop or repair "
            "such transitions."
        )


def _check_actions(actions: NDArray[Any], bounds: NDArray[np.float32]) -> None:
    low, high = bounds
    slack = _ROUNDING * (high - low)
    outside = (actions < low - slack) | (actions > high + slack)
    if outside.any():
        row, column = (int(index) for index in np.argwhere(outside)[0])
        raise ValueError(
            f"actions must lie in the action space, got {actions[row, column]} in "
            f"column {column} of row {row}, outside [{low[column]}, {high[column]}]; "
            "pass bounds=(action_space.low, action_space.high), or clip the actions."
        )


def as_float32(name: str, given: ArrayLike) -> NDArray[np.float32]:
    """Convert numbers of any shape to float32.

    Raises:
        ValueError: If one is not finite there, naming it by `name` and its row.
    """
    with np.errstate(over="ignore"):  # reported below
        array = np.asarray(given, np.float32)
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise ValueError(
            f"{name} must fit into float32, got {np.asarray(given)[row]} at row {row}; "
            "scale them down."
        )
    return array


def pack(transitions: Transitions) -> Tensor:
    """Join transitions so that one gather fetches a batch: float32 [N, 2 Do + Da + 2].

    The columns are observation, action, next observation, reward, termination.

    Raises:
        ValueError: If a number is too large for float32.
    """
    t = Transitions(*map(as_float32, Transitions._fields, transitions))
    scalars = (t.rewards[:, None], t.terminations[:, None])
    columns = (t.observations, t.actions, t.next_observations, *scalars)
    return torch.from_numpy(np.concatenate(columns, axis=1))


class Columns(NamedTuple):
    """View packed rows, features first; any axes in front stay there.

    Attributes:
        pair: [Do + Da, B], observation and action.
        action: [Da, B].
        next_observation: [Do, B].
        reward: [B].
        termination: [B], 0 or 1.
    """

    pair: Tensor
    action: Tensor
    next_observation: Tensor
    reward: Tensor
    termination: Tensor


def unpack(rows: Tensor, sizes: Sizes) -> Columns:
    """View packed rows [..., B, 2 Do + Da + 2] as columns."""
    pair = sizes.observation + sizes.action
    columns = rows.mT
    return Columns(
        columns[..., :pair, :],
        columns[..., sizes.observation : pair, :],
        columns[..., pair : pair + sizes.observation, :],
        columns[..., -2, :],
        columns[..., -1, :],
    )
