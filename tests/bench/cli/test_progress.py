import io

from rich.console import Console

from tt_bench.cli.progress import shown_on, silent


def test_a_log_gets_a_few_lines_and_none_for_work_already_done() -> None:
    text = io.StringIO()
    track = shown_on(Console(file=text, width=100))
    with track("train", 100) as advance:
        for step in range(1, 101):
            advance(step, "loss 1")
    with track("nothing to do", 100):
        pass
    lines = text.getvalue().splitlines()
    assert lines[0] == "train: 1 of 100, loss 1"
    assert 3 <= len(lines) <= 6
    assert "nothing" not in text.getvalue()


def test_a_terminal_gets_a_bar() -> None:
    text = io.StringIO()
    track = shown_on(Console(file=text, width=100, force_terminal=True))
    with track("train", 10) as advance:
        advance(10, "5 tokens/s")
    assert "train" in text.getvalue()
    assert "5 tokens/s" in text.getvalue()


def test_silence_is_silent() -> None:
    with silent("train", 3) as advance:
        advance(3, "")
