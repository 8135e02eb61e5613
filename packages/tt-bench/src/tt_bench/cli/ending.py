"""How a command ends that does not end well: a line for people, and a status.

What was given can't be used: ValueError, as everything here says it; OSError, of files,
folders and networks; ModuleNotFoundError, of what is not installed; and too little
memory. Anything else is a mistake of this program. It is not hidden behind a word of
what was given: its traceback is kept in a file, for whoever mends it.
"""

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from io import TextIOWrapper

import torch
from rich.console import Console

REFUSED, MISTAKEN, INTERRUPTED = 2, 70, 130
"""Statuses: bad input, a bug (`EX_SOFTWARE` of sysexits.h), and Ctrl-C."""

_REFUSALS = (ValueError, ModuleNotFoundError, OSError)
_MEMORY = (MemoryError, torch.OutOfMemoryError)


def explain(error: BaseException, console: Console) -> int:
    """Say in a line why a command ended, and return the exit status."""
    if isinstance(error, KeyboardInterrupt):
        console.print("stopped; the same command continues from here")
        return INTERRUPTED
    if isinstance(error, _REFUSALS):
        _say(f"error: {_one_line(error)}")
        return REFUSED
    if isinstance(error, _MEMORY):
        _say(f"error: not enough memory: {_one_line(error)}; ask for less at a time")
        return REFUSED
    _say(f"error: {_one_line(error)}; this is a bug: {_keep_traceback(error)}")
    return MISTAKEN


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    plain = isinstance(error, _REFUSALS) and text
    return text if plain else f"{type(error).__name__}: {text}".removesuffix(": ")


def _say(text: str) -> None:
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)


def _keep_traceback(error: BaseException) -> str:
    """Write a traceback to a file and say where; print it if that can't be done."""
    text = "".join(traceback.format_exception(error))
    try:
        file, path = tempfile.mkstemp(prefix="tt-bench-bug-", suffix=".txt", text=True)
        with os.fdopen(file, "w", encoding="utf-8", errors="replace") as opened:
            opened.write(text)
    except OSError:
        _say(text)
        return "its traceback is above"
    return f"please send {path}"


def as_process(main: Callable[[], int]) -> int:
    """Run a command as all that this process does, whatever interrupts it.

    A second Ctrl-C, while the first is told, ends it with the same status, and what
    the terminal can't show is shown as its number.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main()
        _let_nothing_interrupt()
    except KeyboardInterrupt:
        _let_nothing_interrupt()
        status = INTERRUPTED
    return status


def _let_nothing_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
