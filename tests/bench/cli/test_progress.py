import io

from rich.console import Console

from tt_bench.cli.progress import shown_on
from tt_bench.interface import Event, silent, working


def test_a_log_gets_a_few_lines_and_none_for_work_already_done() -> None:
    text = io.StringIO()
    notify = shown_on(Console(file=text, width=100))
    with working(notify, "train", 100) as advance:
        for step in range(1, 101):
            advance(step, "loss 1")
    with working(notify, "nothing to do", 100):
        pass
    lines = text.getvalue().splitlines()
    assert lines[0] == "train: 1 of 100, loss 1"
    assert 3 <= len(lines) <= 6
    assert "nothing" not in text.getvalue()


def test_a_terminal_gets_a_bar() -> None:
    text = io.StringIO()
    notify = shown_on(Console(file=text, width=100, force_terminal=True))
    notify(Event("message", "before"))
    with working(notify, "train", 10) as advance:
        advance(10, "5 tokens/s")
    assert "before" in text.getvalue()
    assert "train" in text.getvalue()
    assert "5 tokens/s" in text.getvalue()


def test_silence_is_silent() -> None:
    with working(silent, "train", 3) as advance:
        advance(3, "")
