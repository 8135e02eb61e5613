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


@pytest.mark.parametrize("kind", ["u1", "u8", "i2", ">i8"])
def test_ends_may_be_whole_numbers_of_any_kind(kind: str) -> None:
    episodes = Episodes(**parts(ends=np.array([2, 5], kind)))
    assert episodes.ends.dtype == np.int64
    assert episodes.returns().tolist() == [3.0, 12.0]


@pytest.mark.parametrize("flags", [[1, 0], [1.0, 0.0], np.array([1, 0], "u1")])
def test_flags_may_be_numbers(flags: Any) -> None:
    assert Episodes(**parts(terminated=flags)).terminated.tolist() == [True, False]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ends": [2, 2]}, "increase strictly"),
        ({"ends": [0, 5]}, "increase strictly"),
        ({"ends": []}, "increase strictly"),
        ({"ends": [2.5, 5.0]}, "whole numbers"),
        ({"ends": [2.0, 5.0]}, "whole numbers"),
        ({"ends": [True, True]}, "whole numbers"),
        ({"ends": ["2", "5"]}, "whole numbers"),
        ({"ends": [[1], [1, 2]]}, "whole numbers"),
        ({"ends": np.array([2, 2**63 + 5], "u8")}, "increase strictly"),
        ({"ends": np.array([2**64 - 5, 5], "u8")}, "increase strictly"),
        ({"terminated": [np.nan, 0.0]}, "True or False as terminated"),
        ({"terminated": [[1], [1, 2]]}, "True or False as terminated"),
        ({"ends": np.zeros(99, np.int64)}, "increase strictly"),
        ({"actions": np.full((5, 99), np.nan)}, "finite actions, got nan in row 0"),
        ({"terminated": ["no", "yes"]}, "True or False as terminated"),
        ({"rewards": [1e39, 0, 0, 0, 0]}, "finite rewards, got inf in row 0"),
        ({"rewards": ["a"] * 5}, "arrays of numbers"),
        ({"rewards": [1j] * 5}, "arrays of numbers"),
        ({"actions": [[0], [0, 1], [0], [0], [0]]}, "arrays of numbers"),
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
    with pytest.raises(ValueError, match=message) as raised:
        Episodes(**parts(**changes))
    assert len(str(raised.value).splitlines()) == 1
