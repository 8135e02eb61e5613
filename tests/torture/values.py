"""Values for parameters: right ones, and those that people pass by mistake."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

Draws = np.random.Generator
Draw = Callable[[Draws], Any]


class Parameter(NamedTuple):
    """Draw a right value of a parameter, or a nasty one, which may still be right.

    Attributes:
        right: draws a right value.
        nasty: draws another.
        types: that the annotation allows; of arrays, all that NumPy makes some of;
            none of callables, which do not show what they take and return.
        fields: of a record.
    """

    right: Draw
    nasty: Draw
    types: tuple[type, ...]
    fields: "Mapping[str, Parameter] | None" = None

    def is_foreign(self, value: Any) -> bool:
        """Say whether a value, or a part of a record, contradicts the annotation."""
        if not isinstance(value, self.types):
            return True
        fields = self.fields if self.fields and value is not None else {}
        return any(each.is_foreign(getattr(value, n)) for n, each in fields.items())


class Thrown:
    """An object of no use to anybody."""


_FOREIGN: tuple[Any, ...] = (
    *(None, "", "0", b"\xff", Thrown, Thrown(), [], {}, [None], 1j, 0.25, lambda: None),
)
_INTEGERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, -(2**31), 2**31, 2**32, 2**63, -(2**63), 2**64, 10**30),
    *(True, 1.0, 1.5, math.nan, math.inf, np.int64(2), np.float64(2), np.array(2)),
    *(np.array([1, 2]), torch.tensor(1)),
)
_REALS: tuple[Any, ...] = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 1e-308, 1e38, 1e39, 1e308, -1e308, 2),
    *(math.nan, math.inf, -math.inf, 10**400, True, np.float32(0.5), np.array(0.5)),
    *(np.array([0.5]), torch.tensor(0.5)),
)


def pick(draws: Draws, options: Sequence[Any]) -> Any:
    """Draw one of some options."""
    return options[int(draws.integers(len(options)))]


def one_of(*options: Any) -> Draw:
    """Make what draws one of some options."""
    return lambda draws: pick(draws, options)


def foreign(draws: Draws) -> Any:
    """Draw a value of another type."""
    return pick(draws, _FOREIGN)


def whole(low: int, high: int) -> Parameter:
    """Draw a whole number from low to high; nasty ones are of any size and type."""
    odd = (*_FOREIGN, *_INTEGERS, *_INTEGERS)
    return Parameter(
        lambda draws: int(draws.integers(low, high + 1)), one_of(*odd), (int,)
    )


def small(low: int, high: int) -> Parameter:
    """Draw a number that memory is taken for: never a large one, but of any type."""
    odd = (*_FOREIGN, *(x for x in _INTEGERS if not isinstance(x, int) or x < 9))
    return Parameter(
        lambda draws: int(draws.integers(low, high + 1)), one_of(*odd), (int,)
    )


def real(low: float, high: float) -> Parameter:
    """Draw a number between low and high."""
    odd = (*_FOREIGN, *_REALS, *_REALS)
    return Parameter(
        lambda draws: float(draws.uniform(low, high)), one_of(*odd), (float, int)
    )


def choice(*options: Any) -> Parameter:
    """Draw one of some words."""
    odd = (*_FOREIGN, "nonsense", str(options[0]).upper(), 3, list(options))
    return Parameter(one_of(*options), one_of(*odd), tuple(map(type, options)))


def maybe(parameter: Parameter, share: float = 0.5) -> Parameter:
    """Draw None for a share of the right values."""

    def right(draws: Draws) -> Any:
        return None if draws.random() < share else parameter.right(draws)

    types = (*parameter.types, type(None))
    return parameter._replace(right=right, types=types)


def just(make: Draw, kind: Any, *odd: Any) -> Parameter:
    """Draw an object that a function makes; nasty ones are of another type, or odd."""
    return Parameter(
        make, one_of(*_FOREIGN, *odd), kind if isinstance(kind, tuple) else (kind,)
    )


def options(*right: Any, odd: Sequence[Any], types: tuple[type, ...]) -> Parameter:
    """Draw one of some right values, or of some odd ones."""
    return Parameter(one_of(*right), one_of(*_FOREIGN, *odd), types)


def record(make: Callable[..., Any], **fields: Parameter) -> Parameter:
    """Draw a record whose fields are drawn; of a nasty one, one field is."""

    def right(draws: Draws) -> Any:
        return make(**{name: field.right(draws) for name, field in fields.items()})

    def nasty(draws: Draws) -> Any:
        if draws.random() < 0.1:
            return foreign(draws)
        odd = pick(draws, list(fields))
        return make(**draw_all(draws, fields, {odd}))

    kind = make if isinstance(make, type) else object
    return Parameter(right, nasty, (kind,), fields=fields)


def draw_all(
    draws: Draws, fields: Mapping[str, Parameter], odd: set[str]
) -> dict[str, Any]:
    """Draw a value of each parameter, nasty ones of those that are odd."""
    return {
        name: (each.nasty if name in odd else each.right)(draws)
        for name, each in fields.items()
    }


def paths(name: str) -> Parameter:
    """Draw the path of a file of this name in the working folder."""
    odd = ("", ".", "..", "/", "none/" + name, name + "/under", "x" * 5000, "a\0b")
    more = (*odd, "/proc/self/nothing/" + name, "~", "~nobody/" + name, Path("."))
    return Parameter(one_of(Path(name), name), one_of(*_FOREIGN, *more), (str, Path))


def texts(text: str) -> Parameter:
    """Draw a text that means something, or one that does not."""
    odd = ("a\0b", "x" * 5000, "../..", "/", "a:b", "\ud800", "%s{}[]", text * 2, "-")
    changed = (text.upper(), text[:-1], text[1:], f" {text}", text.replace("-", "_"))
    return Parameter(one_of(text), one_of(*_FOREIGN, *odd, *changed), (str,))
