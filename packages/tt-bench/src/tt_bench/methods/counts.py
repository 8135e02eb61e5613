"""What a count among settings may be."""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import attrs


def whole(least: int) -> Callable[[object, "attrs.Attribute[Any]", Any], None]:
    """Make what accepts whole numbers from `least` on, and no booleans."""

    def check(_: object, attribute: "attrs.Attribute[Any]", value: Any) -> None:
        fine = isinstance(value, Integral) and not isinstance(value, bool)
        if not fine or value < least:
            raise ValueError(
                f"expected {attribute.name} as a whole number of at least {least}, got "
                f"{value!r:.80}"
            )

    return check
