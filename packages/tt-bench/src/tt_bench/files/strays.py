"""What killed processes leave of the files that they were writing."""

import os
import re
import secrets
from pathlib import Path

_WRITER = r"\d+(-[0-9a-f]{8})?"  # as `writer` says; once the process id alone
_STRAY = re.compile(
    rf".+\.{_WRITER}\.(partial|once)(\.[^.]+)?"  # this package's
    rf"|\..+\.{_WRITER}\.(partial|part)"  # networks', critics' and tokenizers'
    r"|(model|checkpoint)\.safetensors\.tmp"  # those of an earlier version
)


def writer() -> str:
    """Return a name that no other writer has; containers share process ids."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def strays(folder: Path) -> list[Path]:
    """List the files of a folder that their writers have not finished.

    Whoever may still be writing is not known: ask only as the owner of the folder.
    """
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if _STRAY.fullmatch(path.name)]
