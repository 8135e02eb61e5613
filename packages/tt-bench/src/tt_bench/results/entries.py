"""What the entries of a result may be: whoever reads one need not look again."""

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

_Attribute: TypeAlias = "attrs.Attribute[Any]"
_Validator: TypeAlias = Callable[[Any, Any, Any], None]
_Is: TypeAlias = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """Say whether a value is a text."""
    return isinstance(value, str)


def is_text_or_none(value: Any) -> bool:
    """Say whether a value is a text or not known."""
    return value is None or is_text(value)


def is_flag(value: Any) -> bool:
    """Say whether a value is true or false."""
    return isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Say whether a value is a whole number."""
    return isinstance(value, int) and not is_flag(value)


def is_number(value: Any) -> bool:
    """Say whether a value is a finite number."""
    plain = is_whole(value) or isinstance(value, float)
    return plain and abs(value) <= sys.float_info.max  # false for NaN


def one(holds: _Is, wanted: str) -> _Validator:
    """Make what accepts one value of a kind."""

    def check(_: Any, attribute: _Attribute, value: Any) -> None:
        _expect(holds(value), attribute.name, wanted, value)

    return check


def several(holds: _Is, wanted: str) -> _Validator:
    """Make what accepts a list of values of a kind, one at least."""

    def check(_: Any, attribute: _Attribute, value: Any) -> None:
        fine = isinstance(value, list) and len(value) > 0 and all(map(holds, value))
        _expect(fine, attribute.name, f"a list of {wanted}, one at least", value)

    return check


def one_each(result: Any, attribute: _Attribute, value: Any) -> None:
    """Accept as many entries as there are returns."""
    fine = len(value) == len(result.returns)
    wanted = f"as long as the {len(result.returns)} returns"
    _expect(fine, attribute.name, wanted, value)


def increasing_pair(_: Any, attribute: _Attribute, value: Any) -> None:
    """Accept a list of two finite numbers, of which the first is the lower."""
    pair = isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
    wanted = "two finite numbers that increase"
    _expect(pair and value[0] < value[1], attribute.name, wanted, value)


def mapping(others: _Is = lambda _: True, /, **entries: _Is) -> _Validator:
    """Make what accepts a mapping with entries of kinds, and others of another kind."""

    def check(_: Any, attribute: _Attribute, value: Any) -> None:
        fine = isinstance(value, dict) and entries.keys() <= value.keys()
        for name, entry in value.items() if fine else ():
            fine = fine and entries.get(name, others)(entry)
        names = f" with {', '.join(entries)}" if entries else ""
        _expect(fine, attribute.name, f"a mapping{names} of the right kinds", value)

    return check


def critic_with_steps(_: Any, attribute: _Attribute, value: Any) -> None:
    """Accept settings whose critic, if there is one, says how long it was trained."""
    critic = value.get("critic", {"steps": 0})
    fine = isinstance(critic, dict) and is_whole(critic.get("steps"))
    wanted = "settings with the steps of the critic"
    _expect(fine, attribute.name, wanted, critic)


def maybe(*validators: _Validator) -> _Validator:
    """Make what accepts None, and what all of these accept."""

    def check(result: Any, attribute: _Attribute, value: Any) -> None:
        for validator in validators if value is not None else ():
            validator(result, attribute, value)

    return check


def _expect(holds: bool, name: str, wanted: str, value: Any) -> None:
    if not holds:
        raise ValueError(f"expected {name} to be {wanted}, got {str(value)[:80]}")
