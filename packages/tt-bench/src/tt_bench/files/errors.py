"""What an error says, short enough to stand inside another."""


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind if it says nothing."""
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
