"""What a public function promises, whatever it is given."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from torture.values import Parameter


@attrs.frozen
class Law:
    """Promise that a call returns, or refuses with an error that says something.

    Attributes:
        name: of the function, with its package.
        call: calls it with one argument for each parameter.
        parameters: what to draw for each.
        refuses: errors that may refuse what was given.
        finite: whether all numbers that come of finite ones are finite; NaN never is
            where this is None, and anything goes where it is False.
    """

    name: str
    call: Callable[..., Any]
    parameters: Mapping[str, Parameter] = attrs.field(factory=dict)
    refuses: tuple[type[Exception], ...] = (ValueError,)
    finite: bool | None = None
