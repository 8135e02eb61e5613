"""Let an update end before Ctrl-C takes effect."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_interrupts() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets in place of raising KeyboardInterrupt.

    Pressed again it raises. In another thread than the main one, and in programs that
    handle SIGINT themselves, nothing changes and the event is never set.
    """
    pressed = threading.Event()
    usual = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if not main or usual is not signal.default_int_handler:
        yield pressed
        return

    def press(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            usual(number, frame)
        pressed.set()

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, usual)
