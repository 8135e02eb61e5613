from typing import Any

import numpy as np
import pytest

from tt_bench.agents import FunctionAgent, RandomAgent, TransformerAgent
from tt_tokenize import Layout

ONE = np.ones(1, np.float32)
NOTHING: Any = None
MAKERS = [
    RandomAgent,
    lambda low, high: FunctionAgent(lambda seen: seen, low, high),
    lambda low, high: TransformerAgent(
        NOTHING, Layout(2, 1), NOTHING, context=1, low=low, high=high
    ),
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("odd", [np.array(1.0), np.ones(2), np.ones((1, 1)), 1.0])
def test_bounds_that_are_not_one_number_for_each_of_an_action_are_refused(
    make: Any, odd: Any
) -> None:
    for low, high in ((odd, ONE), (-ONE, odd)):
        with pytest.raises(
            ValueError, match=r"expected bounds .* give action_space.low"
        ):
            make(low, high)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("odd", [["a"], [1j], [None], [[]], [b"1"]])
def test_bounds_that_are_no_real_numbers_are_refused(make: Any, odd: Any) -> None:
    for low, high in ((np.array(odd), ONE), (-ONE, np.array(odd))):
        with pytest.raises(ValueError, match=r"expected .*bounds"):
            make(low, high)


@pytest.mark.parametrize("make", MAKERS)
def test_bounds_that_are_not_in_order_are_refused(make: Any) -> None:
    for low, high in ((ONE, -ONE), (ONE * np.nan, ONE), (-ONE, ONE * np.nan)):
        with pytest.raises(ValueError, match="expected bounds of actions from low"):
            make(low, high)
