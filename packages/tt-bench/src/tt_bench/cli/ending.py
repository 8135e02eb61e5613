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
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper

import torch
from rich.console import Console

REFUSED, MISTAKEN, INTERRUPTED = 2, 70, 130
"""Statuses: bad input, a bug (`EX_SOFTWARE` of sysexits.h), and Ctrl-C."""

_STUBBORN = 100
_SOON = 0.01  # seconds
_REFUSALS = (ValueError, ModuleNotFoundError, OSError)
_MEMORY = (MemoryError, torch.OutOfMemoryError)


def explain(error: Exception) -> int:
    """Say in a line why a command failed, and return the exit status."""
    if isinstance(error, _REFUSALS):
        _say(f"error: {_one_line(error)}")
        return REFUSED
    if isinstance(error, _MEMORY):
        _say(f"error: not enough memory: {_one_line(error)}; ask for less at a time")
        return REFUSED
    _say(f"error: {_one_line(error)}; this is a bug: {_keep_traceback(error)}")
    return MISTAKEN


def tell_interrupted() -> int:
    """Say that nothing is lost by Ctrl-C, and return the exit status."""
    print("stopped; the same command continues from here", flush=True)  # noqa: T201
    return INTERRUPTED


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


def as_process(run: Callable[[], int]) -> int:
    """Run a command as all that this process does, whatever interrupts it.

    What the terminal can't show is shown as its number. A second Ctrl-C ends what the
    first left to be done, and further ones change nothing.
    """
    sys.unraisablehook = _interrupt_again
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = run()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        for _ in range(_STUBBORN):  # as long as further ones arrive just here
            with suppress(KeyboardInterrupt):
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                break
        status = tell_interrupted()
    return status


def _interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    """Bring back a Ctrl-C that came while an object was being freed, which ate it."""
    if lost.exc_type is KeyboardInterrupt:
        threading.Timer(_SOON, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(lost)
