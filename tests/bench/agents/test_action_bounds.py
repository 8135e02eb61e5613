from typing import Any

import numpy as np
import pytest

from tt_bench.agents import FunctionAgent, RandomAgent, TransformerAgent
from tt_tokenize import Layout

ONE = np.ones(1, np.float32)
NOTHING: Any = None


@pytest.mark.parametrize(
    "make",
    [
        RandomAgent,
        lambda low, high: FunctionAgent(lambda seen: seen, low, high),
        lambda low, high: TransformerAgent(
            NOTHING, Layout(2, 1), NOTHING, context=1, low=low, high=high
        ),
    ],
)
@pytest.mark.parametrize("odd", [np.array(1.0), np.ones(2), np.ones((1, 1)), 1.0])
def test_bounds_that_are_not_one_number_for_each_of_an_action_are_refused(
    make: Any, odd: Any
) -> None:
    for low, high in ((odd, ONE), (-ONE, odd)):
        with pytest.raises(
            ValueError, match=r"expected bounds .* give action_space.low"
        ):
            make(low, high)
