"""Settings of implicit Q-learning, and the two published recipes."""

from typing import Any

import attrs
from attrs.validators import and_, ge, gt, instance_of, le, lt

_POSITIVE = gt(0.0)
_COUNT = and_(instance_of(int), ge(1))
_DISCOUNT = and_(ge(0.0), lt(1.0))
_SHARE = and_(gt(0.0), le(1.0))
_BELOW_ONE = and_(gt(0.0), lt(1.0))


def _widths(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, tuple) or not value or any(width < 1 for width in value):
        raise ValueError(
            f"{attribute.name} must hold one or more positive widths, got {value!r}; "
            "the published networks use (256, 256)."
        )


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
        steps: Number of updates.
        seed: Seeds the first weights and the batches.
    """

    expectile: float = attrs.field(default=0.7, validator=_BELOW_ONE)
    temperature: float = attrs.field(default=3.0, validator=ge(0))
    discount: float = attrs.field(default=0.99, validator=_DISCOUNT)
    target_rate: float = attrs.field(default=5e-3, validator=_SHARE)
    batch: int = attrs.field(default=256, validator=_COUNT)
    learning_rate: float = attrs.field(default=3e-4, validator=_POSITIVE)
    hidden: tuple[int, ...] = attrs.field(default=(256, 256), validator=_widths)
    steps: int = attrs.field(default=1_000_000, validator=_COUNT)
    seed: int = attrs.field(default=0, validator=instance_of(int))


LOCOMOTION = IQLConfig(expectile=0.7, temperature=3.0)
ANTMAZE = IQLConfig(expectile=0.9, temperature=10.0)
