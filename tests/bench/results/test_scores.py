"""Normalised scores and D4RL's reference returns."""

import math
from typing import Any

import numpy as np
import pytest

from tt_bench.catalogue import REFERENCE_RETURNS, reference_returns
from tt_bench.results.scores import normalise


def test_random_scores_zero_and_the_expert_a_hundred() -> None:
    for random, expert in REFERENCE_RETURNS.values():
        scores = normalise([random, expert, (random + expert) / 2], (random, expert))
        np.testing.assert_allclose(scores, [0.0, 100.0, 50.0], atol=1e-9)


def test_a_hopper_return_by_hand() -> None:
    # 100 * (1500 + 20.272305) / (3234.3 + 20.272305)
    reference = REFERENCE_RETURNS["hopper"]
    assert normalise(1500.0, reference) == pytest.approx(46.71189, abs=1e-4)


@pytest.mark.parametrize(
    ("env_id", "family"),
    [
        ("Hopper-v5", "hopper"),
        ("HalfCheetah-v4", "halfcheetah"),
        ("Walker2d-v5", "walker2d"),
        ("Ant-v5", "ant"),
        ("AntMaze_UMaze-v5", "antmaze"),
        ("some/Hopper-v0", "hopper"),
    ],
)
def test_families_are_found_by_environment_id(env_id: str, family: str) -> None:
    assert reference_returns(env_id) == REFERENCE_RETURNS[family]


@pytest.mark.parametrize(
    "env_id", ["Pendulum-v1", "tt/PointMaze-UMaze-v0", "Antics-v0"]
)
def test_other_environments_have_no_reference(env_id: str) -> None:
    assert reference_returns(env_id) is None


@pytest.mark.parametrize(
    "reference", [(2.0, 2.0), (math.nan, 1.0), (0.0, math.inf), (1.0,), ("a", "b")]
)
def test_a_reference_that_does_not_increase_is_refused(reference: Any) -> None:
    with pytest.raises(ValueError, match=r"increases|could not convert"):
        normalise([1.0], reference)


@pytest.mark.parametrize("returns", [[math.nan], [math.inf], [None], None, ["a"]])
def test_returns_that_are_no_numbers_have_no_score(returns: Any) -> None:
    with pytest.raises(ValueError, match=r"finite returns|could not convert"):
        normalise(returns, (0.0, 1.0))
