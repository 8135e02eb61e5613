"""Settings of implicit Q-learning, and the two published recipes."""

import math
from collections.abc import Iterable
from typing import Any

import attrs
from attrs.validators import and_, ge, gt, instance_of, le, lt

from tt_critic._input import widths

_POSITIVE = and_(gt(0.0), lt(math.inf))
_NOT_NEGATIVE = and_(ge(0.0), lt(math.inf))
_DISCOUNT = and_(ge(0.0), lt(1.0))
_SHARE = and_(gt(0.0), le(1.0))
_BELOW_ONE = and_(gt(0.0), lt(1.0))


def _whole(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, int):
        raise ValueError(
            f"{attribute.name} must be an int, got {value!r}; wrap it in int(...)."
        )


_COUNT = and_(_whole, ge(1))
_SEED = and_(_whole, ge(-(2**63)), lt(2**64))  # what torch takes


def _as_widths(value: Iterable[int]) -> tuple[int, ...]:
    return widths(value, fewest=1)


@attrs.frozen(kw_only=True)
class IQLConfig:
    """Hold the settings of one training run.

    Attributes:
        expectile: Which expectile of Q the value regresses to; 0.5 is the mean.
        temperature: Factor on the advantage in the policy's weights (the paper's beta).
        discount: Discount of one step.
        target_rate: Share of the way a target network moves at each update.
        batch: Transitions drawn for each update, with replacement.
        learning_rate: Adam's, for all networks; the policy's falls along a cosine
            from it to 0 at the last update.
        hidden: Widths of the hidden layers, the same for Q, V and the policy.
        tanh: Whether the policy's mean goes through a tanh, for actions from -1 to 1,
            as in the authors' code; else it is clipped to the bounds where it acts.
        output_gain: Gain of the first weights of last layers; the authors' is sqrt(2).
        steps: Number of updates.
        seed: Seeds the first weights and the batches.
    """

    expectile: float = attrs.field(default=0.7, validator=_BELOW_ONE)
    temperature: float = attrs.field(default=3.0, validator=_NOT_NEGATIVE)
    discount: float = attrs.field(default=0.99, validator=_DISCOUNT)
    target_rate: float = attrs.field(default=5e-3, validator=_SHARE)
    batch: int = attrs.field(default=256, validator=_COUNT)
    learning_rate: float = attrs.field(default=3e-4, validator=_POSITIVE)
    hidden: tuple[int, ...] = attrs.field(default=(256, 256), converter=_as_widths)
    tanh: bool = attrs.field(default=False, validator=instance_of(bool))
    output_gain: float = attrs.field(default=0.01, validator=_POSITIVE)
    steps: int = attrs.field(default=1_000_000, validator=_COUNT)
    seed: int = attrs.field(default=0, validator=_SEED)


LOCOMOTION = IQLConfig(expectile=0.7, temperature=3.0)
ANTMAZE = IQLConfig(expectile=0.9, temperature=10.0)
