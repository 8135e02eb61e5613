"""Damaged files: they give what they gave, or one error that names them."""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from torture import commands, files, runs
from torture.files import CHECKSUMMED, Format, same
from torture.harm import edit, rot
from torture.values import pick
from torture.verdict import Kind, Verdict

ALONE = files.FORMATS
FORMATS = (*6 * ALONE, *runs.FORMATS)  # the latter take longer
_EDITED = 0.45  # of all


@cache
def intact(format_: Format) -> tuple[Path, Path, bytes, Any]:
    """Make a file of a format once.

    Returns a folder, the file's path below it, its bytes and what reading it gives.
    """
    folder = Path(tempfile.mkdtemp(prefix="intact-")).absolute()
    format_.write(folder / format_.file)
    path = next(folder.glob(format_.file))
    with _copied(folder) as copy:
        below = path.relative_to(folder)
        return folder, below, path.read_bytes(), format_.read(Path(copy) / below)


def prepare() -> None:
    """Make the dataset of runs, and the file of every format."""
    commands.prepare()
    for format_ in FORMATS:
        intact(format_)


def _copied(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    copy = tempfile.TemporaryDirectory()
    shutil.copytree(folder, copy.name, dirs_exist_ok=True)
    return copy


def run_damage(draws: np.random.Generator) -> Verdict:
    """Draw a format and what happens to its file, and read it."""
    format_ = pick(draws, FORMATS)
    folder, below, content, gives = intact(format_)
    edited = bool(draws.random() < _EDITED) and format_.name != "original"
    if edited:
        harmed = edit(draws, content)
    else:
        harmed = rot(draws, content, intact(pick(draws, ALONE))[2])
    with _copied(folder) as copy:
        path = Path(copy) / below
        path.write_bytes(harmed)
        return judge(format_, path, gives, edited=edited)


def judge(format_: Format, path: Path, gives: Any, *, edited: bool) -> Verdict:
    """Read a file that may be damaged, and hold what comes of it to the law."""
    what = f"{format_.name}, {'edited' if edited else 'rotten'}"
    try:
        found = format_.read(path)
    except (ValueError, OSError) as error:
        named = any(part in str(error) for part in (path.name, *_folders(path)))
        fault = None if named else f"the error does not name {path.name}: {error}"[:400]
        return Verdict("refused", fault, what)
    except Exception as error:
        fault = f"{format_.name} raises {type(error).__name__}: {error}"[:400]
        return Verdict("raised", fault, what)
    if same(found, gives):
        return Verdict("same", None, what)
    if edited or format_.name not in CHECKSUMMED:
        return Verdict("differs", None, what)
    return Verdict("differs", f"{format_.name} gives other content silently", what)


def _folders(path: Path) -> tuple[str, str]:
    """Name the folders of a file that may be told in its place."""
    return path.parent.name, path.parents[1].name


DAMAGE = Kind("damage", run_damage, prepare, seconds=60.0, memory=1 << 30, batch=100)
