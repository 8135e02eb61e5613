"""One clear error for whatever a damaged or foreign file leads to."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tt_bench.data.minari_cache import first_line

_OURS = "expected "


@contextlib.contextmanager
def reading(
    what: str, path: Path, advice: str, kind: type[ValueError] = ValueError
) -> Iterator[None]:
    """Turn whatever readers raise into one error that names the file.

    Errors that say what was expected keep their words, and get the name if they lack
    it.

    Args:
        what: is read.
        path: of the file or folder.
        advice: what to do about one that is damaged.
        kind: of the error then.
    """
    try:
        yield
    except Exception as error:
        text = str(error)
        if not isinstance(error, ValueError) or not text.startswith(_OURS):
            raise kind(
                f"expected a whole {what} at {path}, could not read it "
                f"({first_line(error)}): {advice}"
            ) from error
        if path.name in text:
            raise
        raise type(error)(f"{text} (in {path})") from error
