"""The value of a step: discounted rewards after it, within its episode."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tt_tokenize import reward_to_go


def test_hand_computed_values_of_two_episodes() -> None:
    values = reward_to_go([1, 2, 3, 4, 10, 20], ends=[4, 6], discount=0.5)
    # 2 + 3/2 + 4/4, 3 + 4/2, 4, nothing; 20, nothing
    assert values.tolist() == [4.5, 5.0, 4.0, 0.0, 20.0, 0.0]
    assert values.dtype == np.float32


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(1, 8), min_size=1, max_size=6),
    discount=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_values_agree_with_the_definition_summed_term_by_term(
    lengths: list[int], discount: float, seed: int
) -> None:
    ends = np.cumsum(lengths)
    rewards = np.random.default_rng(seed).normal(size=ends[-1])
    values = reward_to_go(rewards, ends, discount)
    for start, stop in zip([0, *ends[:-1]], ends, strict=True):
        for t in range(start, stop):
            terms = [discount ** (k - 1) * rewards[t + k] for k in range(1, stop - t)]
            assert values[t] == pytest.approx(sum(terms), rel=1e-6, abs=1e-6)


def test_long_episodes_are_summed_in_double_precision() -> None:
    rewards = np.full(200_000, 0.1, np.float32)
    value = reward_to_go(rewards, [200_000], 1.0)[0]
    assert value == pytest.approx(199_999 * float(np.float32(0.1)), rel=1e-7)


def test_a_discount_of_zero_leaves_the_next_reward() -> None:
    assert reward_to_go([5, 6, 7], [3], 0.0).tolist() == [6.0, 7.0, 0.0]


class Tensor:
    """What NumPy can turn into an array."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array([4, 6], dtype)


@pytest.mark.parametrize(
    "ends",
    [
        [4, 6],
        (4, 6),
        Tensor(),
        *(np.array([4, 6], kind) for kind in ("u1", "u2", "u8", "i1", "i4", ">i4")),
    ],
)
def test_ends_may_be_whole_numbers_of_any_kind(ends: Any) -> None:
    values = reward_to_go([1, 2, 3, 4, 10, 20], ends, discount=0.5)
    assert values.tolist() == [4.5, 5.0, 4.0, 0.0, 20.0, 0.0]


@pytest.mark.parametrize("rewards", [[1e38] * 9, [0, 1e39], [-2e38] * 3, [1e308] * 9])
def test_values_beyond_float32_are_refused(rewards: list[float]) -> None:
    with pytest.raises(ValueError, match=r"beyond float32.*scale the rewards"):
        reward_to_go(np.array(rewards, np.float64), [len(rewards)], 1.0)


def test_values_up_to_the_bounds_of_float32_are_kept() -> None:
    largest = float(np.finfo(np.float32).max)
    assert reward_to_go([1e300, largest, 0.0], [3], 0.0).tolist() == [largest, 0, 0]


@pytest.mark.parametrize(
    ("rewards", "ends", "discount", "message"),
    [
        ([1.0, np.nan], [2], 0.9, "rewards must be finite"),
        ([[1.0], [2.0]], [2], 0.9, r"shape \[steps\], got shape \[2, 1\]"),
        ([1.0, 2.0], [1], 0.9, "number of rewards, 2, got 1 to 1"),
        ([1.0, 2.0], [2, 2], 0.9, "ends must increase"),
        ([1.0, 2.0], [0, 2], 0.9, "from at least 1"),
        ([1.0, 2.0], [], 0.9, r"shape \[episodes\]"),
        ([1.0, 2.0], [2.0], 0.9, "whole numbers.*float64"),
        ([1.0, 2.0], [True, True], 0.9, "whole numbers.*bool"),
        ([1.0, 2.0], ["2"], 0.9, "whole numbers"),
        ([1.0, 2.0], 2, 0.9, r"shape \[episodes\]"),
        ([1.0, 2.0], [[1], [1, 2]], 0.9, "whole numbers"),
        ([1.0, 2.0], np.array([2**64 - 1], "u8"), 0.9, "number of rewards, 2"),
        ([1.0, 2.0], np.array([1, 2**63 + 2], "u8"), 0.9, "number of rewards, 2"),
        ([1.0, 2.0], [2], 1.1, r"\[0, 1\], got 1.1"),
        ([1.0, 2.0], [2], float("nan"), r"\[0, 1\], got nan"),
    ],
)
def test_bad_input_is_refused(
    rewards: Any, ends: Any, discount: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        reward_to_go(rewards, ends, discount)
