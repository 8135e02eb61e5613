"""Signals that would end the program wait for the step, and only then and there."""

import contextlib
import os
import signal
import threading

import pytest

from tt_model.training.interrupt import held_interrupts

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_held_back(number: signal.Signals) -> None:
    with held_interrupts() as arrived:
        assert not arrived.is_set()
        os.kill(os.getpid(), number)
        assert arrived.is_set()


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_the_second_signal_does_not_wait(
    first: signal.Signals, second: signal.Signals
) -> None:
    with held_interrupts() as arrived:
        os.kill(os.getpid(), first)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), second)
        assert arrived.is_set()


def test_handlers_are_as_before_whatever_happens() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with contextlib.suppress(RuntimeError), held_interrupts():
        assert [signal.getsignal(number) for number in SIGNALS] != before
        raise RuntimeError
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_program_keeps_the_handler_it_has(number: signal.Signals) -> None:
    seen: list[int] = []
    before = signal.signal(number, lambda number, _: seen.append(number))
    try:
        with held_interrupts() as arrived:
            os.kill(os.getpid(), number)
            assert not arrived.is_set()
        assert seen == [number]
    finally:
        signal.signal(number, before)


def test_other_threads_change_nothing() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    seen: list[object] = []

    def work() -> None:
        with held_interrupts() as arrived:
            seen.extend(signal.getsignal(number) for number in SIGNALS)
            seen.append(arrived.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [*before, False]
