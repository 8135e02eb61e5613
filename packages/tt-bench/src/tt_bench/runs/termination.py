"""Let SIGTERM, which schedulers and containers send, be as good as Ctrl-C."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block on SIGTERM, unless the program handles it.

    Only the main thread can be interrupted; in others nothing changes.
    """
    default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not default or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt
