from collections.abc import Iterator

import pytest
import torch

from tt_bench.runs import threads


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("alone", "together", "chosen"), [(1.0, 0.6, 7), (1.0, 9.0, 1)]
)
def test_the_faster_number_of_threads_is_set(
    monkeypatch: pytest.MonkeyPatch, alone: float, together: float, chosen: int
) -> None:
    monkeypatch.setattr(threads, "_MOST", 7)
    monkeypatch.setattr(threads, "_time", {1: alone, 7: together}.__getitem__)
    assert threads.choose_threads() == chosen
    assert torch.get_num_threads() == chosen


def test_a_trial_takes_time_with_the_threads_it_is_given() -> None:
    assert threads._time(1) > 0.0
    assert torch.get_num_threads() == 1
