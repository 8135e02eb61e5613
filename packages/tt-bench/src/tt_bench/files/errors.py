"""What stands inside of what an error says: short, and in one line."""

from typing import Any

_LONGEST = 200  # characters


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind if it says nothing."""
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def one_line(value: Any) -> str:
    """Return what a value looks like, such as an array or a space, in one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
