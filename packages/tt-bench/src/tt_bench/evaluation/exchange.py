"""What environments are sent and what they answer, whatever kind they are of.

Axes: E environments, Do observation numbers, Da action numbers.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from tt_bench.files import first_line, one_line
from tt_bench.interface import BoolArray, FloatArray

Environment = gymnasium.Env[Any, Any]

_SUCCESS = ("success", "is_success")
_LARGEST = float(np.finfo(np.float32).max)


class Answer(NamedTuple):
    """What came of one action; `seen` is [Do]."""

    seen: FloatArray
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]


class Bounds(NamedTuple):
    """The action boxes of E environments, of one type: low and high [E, Da]."""

    low: NDArray[Any]
    high: NDArray[Any]

    @classmethod
    def of(cls, envs: Sequence[Environment]) -> "Bounds":
        """Ask the environments.

        Raises:
            ValueError: if a space is no flat box.
        """
        boxes = [action_box(env) for env in envs]
        return cls(np.stack([b.low for b in boxes]), np.stack([b.high for b in boxes]))


def action_box(env: Environment) -> Box:
    """Return the box of actions of an environment of vectors.

    Raises:
        ValueError: if observations or actions are something else.
    """
    _check_flat(env.observation_space, "observations")
    return _check_flat(env.action_space, "actions")


def _check_flat(space: gymnasium.Space[Any], what: str) -> Box:
    if not isinstance(space, Box) or len(space.shape) != 1:
        raise ValueError(
            f"expected {what} in a flat box, got {one_line(space)}; wrap the "
            "environment, for example in gymnasium.wrappers.FlattenObservation"
        )
    return space


def begin(env: Environment, seed: int) -> FloatArray:
    """Begin an episode and return what is seen [Do].

    Raises:
        ValueError: if the environment breaks, or shows something else.
    """
    try:
        seen = np.asarray(env.reset(seed=seed)[0], np.float32)
    except Exception as error:
        raise _broken(env, error) from error
    shape = env.observation_space.shape
    if seen.shape != shape:
        raise _misshapen(env, seen, shape)
    return seen


def send(env: Environment, action: NDArray[Any], size: int) -> Answer:
    """Send an action [Da] and return the answer, an observation of `size` numbers.

    Raises:
        ValueError: if the environment breaks, or its answer is not one of numbers.
    """
    try:
        seen, reward, terminated, truncated, info = env.step(action)
        numbers = np.asarray(seen, np.float32)
    except Exception as error:
        raise _broken(env, error) from error
    if numbers.shape != (size,):
        raise _misshapen(env, numbers, (size,))
    return Answer(
        numbers,
        _reward(env, reward),
        _flag(env, terminated, "terminated"),
        _flag(env, truncated, "truncated"),
        info if isinstance(info, dict) else {},
    )


def fit_actions(actions: NDArray[Any], active: BoolArray, bounds: Bounds) -> Any:
    """Turn actions [E, Da] into the nearest in their boxes, of the boxes' type.

    An action that is inside stays as it is. Whole numbers are the nearest. Only rows
    that are `active` [E] count.

    Raises:
        ValueError: if an action is of another size, or not finite.
    """
    low, high = bounds
    if actions.shape != low.shape:
        raise ValueError(
            f"expected actions {list(low.shape)}, got {list(actions.shape)}: the agent "
            "is for another environment"
        )
    if not np.isfinite(actions[active]).all():
        raise ValueError(
            "expected finite actions, got NaN or infinity from the agent: its training "
            "diverged? look at the losses, and train again with a lower learning rate"
        )
    if low.dtype.kind != "f":
        return _whole(actions, bounds)
    with np.errstate(over="ignore"):
        return np.minimum(np.maximum(actions.astype(low.dtype), low), high)


def _whole(actions: NDArray[Any], bounds: Bounds) -> NDArray[Any]:
    """Round to whole numbers, which a float may hold only in part at the bounds."""
    low, high = bounds
    nearest = np.rint(actions.astype(np.float64))
    fitted = np.where(nearest >= high, high, low)
    inside = (low < nearest) & (nearest < high)
    fitted[inside] = nearest[inside].astype(low.dtype)
    return fitted


def succeeded(info: dict[str, Any]) -> bool | None:
    """Say whether a step's `info` reports success; None if it doesn't tell.

    It is told by `success` or, as Fetch and Stable-Baselines3 do, `is_success`; NaN is
    no success.

    Raises:
        ValueError: if what it tells is not one number.
    """
    told = [_told(info, key) for key in _SUCCESS if info.get(key) is not None]
    return any(told) if told else None


def _told(info: dict[str, Any], key: str) -> bool:
    number = _number(info[key])
    if number is None:
        raise ValueError(
            f"expected one number as info[{key!r}], got {one_line(info[key])}: report "
            "success as a bool"
        )
    return bool(number) and not math.isnan(number)


def _reward(env: Environment, reward: Any) -> float:
    number = _number(reward)
    if number is None or not abs(number) <= _LARGEST:
        raise ValueError(
            f"expected a finite number as reward from {_name(env)}, got "
            f"{one_line(reward)}: mend the environment"
        )
    return number


def _flag(env: Environment, flag: Any, what: str) -> bool:
    if flag is True or flag is False:
        return flag
    number = _number(flag)
    if number is None or math.isnan(number):
        raise ValueError(
            f"expected True or False as {what} from {_name(env)}, got "
            f"{one_line(flag)}: mend the environment"
        )
    return bool(number)


def _number(value: Any) -> float | None:
    """Return the one real number that a value is or holds, None if it doesn't."""
    if isinstance(value, float):  # NumPy's float64 is one, too
        return value
    try:
        array = np.asarray(value)
    except ValueError:  # ragged
        return None
    if array.size != 1 or array.dtype.kind not in "biuf":
        return None
    return float(array.item())


def _name(env: Environment) -> str:
    return env.spec.id if env.spec else type(env.unwrapped).__name__


def _misshapen(
    env: Environment, seen: FloatArray, shape: tuple[int, ...] | None
) -> ValueError:
    return ValueError(
        f"expected an observation {list(shape or ())} from {_name(env)}, got "
        f"{list(seen.shape)}: mend the environment"
    )


def _broken(env: Environment, error: Exception) -> ValueError:
    return ValueError(
        f"expected {_name(env)} to work, it raised {type(error).__name__}: "
        f"{first_line(error)}: mend the environment, or install what it needs"
    )
