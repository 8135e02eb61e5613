"""Episodes are checked when they are made, and know what followed what."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tt_bench.data.episodes import Episodes


def parts(**changes: Any) -> dict[str, Any]:
    """Two episodes of 2 and 3 transitions, the first of them terminated."""
    whole = {
        "observations": np.arange(10.0).reshape(5, 2),
        "actions": np.zeros((5, 1)),
        "rewards": [1.0, 2.0, 3.0, 4.0, 5.0],
        "ends": [2, 5],
        "terminated": [True, False],
        "final_observations": [[70.0, 71.0], [80.0, 81.0]],
    }
    return whole | changes


def test_next_observations_end_with_the_final_one() -> None:
    following = Episodes(**parts()).next_observations()
    assert following.tolist() == [[2, 3], [70, 71], [6, 7], [8, 9], [80, 81]]


def test_returns_lengths_and_terminations_by_hand() -> None:
    episodes = Episodes(**parts())
    assert episodes.returns().tolist() == [3.0, 12.0]
    assert episodes.lengths.tolist() == [2, 3]
    assert episodes.terminations().tolist() == [False, True, False, False, False]
    assert len(episodes) == 5


def test_arrays_are_converted_to_one_type() -> None:
    episodes = Episodes(**parts(observations=np.arange(10)[::-1].reshape(2, 5).T))
    assert episodes.observations.dtype == np.float32
    assert episodes.ends.dtype == np.int64
    assert episodes.terminated.dtype == np.bool_


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_returns_agree_with_a_loop(lengths: list[int]) -> None:
    ends, total = np.cumsum(lengths), sum(lengths)
    rewards = np.random.default_rng(total).normal(size=total)
    episodes = Episodes(
        np.zeros((total, 1)),
        np.zeros((total, 1)),
        rewards,
        ends,
        np.zeros(len(ends)),
        np.zeros((len(ends), 1)),
    )
    by_hand = [part.sum() for part in np.split(rewards, ends[:-1])]
    np.testing.assert_allclose(episodes.returns(), by_hand, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ends": [2, 2]}, "increase strictly"),
        ({"ends": [0, 5]}, "increase strictly"),
        ({"ends": []}, "increase strictly"),
        ({"ends": [2.5, 5.0]}, "whole numbers"),
        ({"ends": [2, 4]}, r"observations of shape \[4, any\], got \[5, 2\]"),
        ({"actions": np.zeros((4, 1))}, "expected actions"),
        ({"actions": np.zeros((5, 0))}, "expected actions"),
        ({"actions": np.zeros(5)}, "expected actions"),
        ({"rewards": np.zeros((5, 1))}, "expected rewards"),
        ({"terminated": [True]}, "expected terminated"),
        ({"final_observations": np.zeros((2, 3))}, r"shape \[2, 2\], got \[2, 3\]"),
        ({"rewards": [0, 0, np.nan, 0, 0]}, "finite rewards, got nan in row 2"),
        ({"actions": [[0], [np.inf], [0], [0], [0]]}, "finite actions"),
        ({"final_observations": [[0, 0], [np.nan, 0]]}, "finite final_observations"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Episodes(**parts(**changes))
