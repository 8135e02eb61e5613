"""Let a step end before the program does."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,  # Ctrl-C
    signal.SIGTERM: signal.SIG_DFL,  # kill, schedulers, containers that stop
}


@contextmanager
def held_interrupts() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C and SIGTERM set in place of ending the program.

    Whoever waits for a good moment raises KeyboardInterrupt then. The second signal
    raises it at once. In another thread than the main one, and for a signal that the
    program handles or ignores itself, nothing changes.
    """
    arrived, count = threading.Event(), list[int]()

    def hold(number: int, _frame: FrameType | None) -> None:
        count.append(number)
        if len(count) > 1:
            raise KeyboardInterrupt
        arrived.set()

    replaced = _replace_defaults(hold)
    try:
        yield arrived
    finally:
        for number in replaced:
            signal.signal(number, _DEFAULTS[number])


def _replace_defaults(
    handler: Callable[[int, FrameType | None], Any],
) -> list[signal.Signals]:
    """Handle the signals that the program leaves alone, if this is its main thread."""
    if threading.current_thread() is not threading.main_thread():
        return []
    ours = [n for n, usual in _DEFAULTS.items() if signal.getsignal(n) == usual]
    for number in ours:
        signal.signal(number, handler)
    return ours
