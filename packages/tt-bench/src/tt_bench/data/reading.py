"""One clear error for whatever a damaged or foreign file leads to."""

import contextlib
from collections.abc import Iterator

from tt_bench.data.minari_cache import first_line

_OURS = "expected "


@contextlib.contextmanager
def reading(
    what: str, advice: str, kind: type[ValueError] = ValueError
) -> Iterator[None]:
    """Turn whatever readers raise into one error that names the file.

    Errors that already say what was expected pass as they are.

    Args:
        what: names what is read, and where it is.
        advice: what to do about it.
        kind: of the error.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, ValueError) and str(error).startswith(_OURS):
            raise
        raise kind(
            f"expected a whole {what}, could not read it ({first_line(error)}): "
            f"{advice}"
        ) from error
