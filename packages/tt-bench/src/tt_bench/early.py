"""Let Ctrl-C end the command quietly while it is still being imported.

Imports take seconds, and Python shows a traceback of whatever was imported just then.
Nothing is lost when the command ends there. Other programs that import the package are
left alone: only the command `tt-bench` and `python -m tt_bench` are this process's own.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

_INTERRUPTED = 130


def _end(*_: Any) -> NoReturn:
    os.write(2, b"stopped before anything was begun\n")
    os._exit(_INTERRUPTED)


def _is_command() -> bool:
    name = sys.argv[0] if sys.argv else ""
    as_module = name == "-m" and __package__ in sys.orig_argv
    return as_module or Path(name).stem == "tt-bench"


def let_go() -> None:
    """Let Ctrl-C interrupt what is done from now on, as it does in any program."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if _is_command() and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, _end)
