"""Write files whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tt_bench.files.strays import held, writer


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of `path` if the block succeeds.

    It has the same ending, lies in the same folder, which is made, and is gone after
    an error.

    Raises:
        OSError: if it can't be written; the error names the path.
    """
    partial = path.with_name(f"{path.stem}.{writer()}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with held(partial):
            yield partial
            os.replace(partial, path)
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        partial.unlink(missing_ok=True)
