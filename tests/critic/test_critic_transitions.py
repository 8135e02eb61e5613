from typing import Any

import numpy as np
import pytest
import torch

from tt_critic import (
    ANTMAZE,
    LOCOMOTION,
    IQLConfig,
    Transitions,
    antmaze_rewards,
    as_batch,
    draw_batch,
    locomotion_rewards,
    train_critic,
)
from tt_critic._transitions import Sizes, pack, unpack

GOOD = Transitions(
    np.zeros((4, 3)), np.zeros((4, 2)), np.zeros(4), np.zeros((4, 3)), np.zeros(4, bool)
)
NAN_REWARDS = np.array([0.0, 1.0, np.nan, 0.0])
EMPTY = Transitions(
    np.zeros((0, 3)), np.zeros((0, 2)), np.zeros(0), np.zeros((0, 3)), np.zeros(0, bool)
)


def fail(*_: object) -> None:
    raise AssertionError("an update was made")


@pytest.mark.parametrize(
    ("transitions", "message"),
    [
        (GOOD._replace(rewards=np.zeros(5)), "equal lengths, got .*'rewards': 5"),
        (
            GOOD._replace(rewards=NAN_REWARDS),
            "rewards must be finite, got nan at row 2",
        ),
        (GOOD._replace(actions=np.full((4, 2), 1.5)), r"got 1.5 in column 0 of row 0"),
        (EMPTY, "must not be empty"),
        (GOOD._replace(rewards=np.zeros((4, 1))), "rewards must have 1 axes"),
        (GOOD._replace(actions=np.zeros(4)), "actions must have 2 axes"),
        (GOOD._replace(next_observations=np.zeros((4, 2))), "shape of observations"),
        (GOOD._replace(terminations=np.full(4, 2)), "bool, or 0 and 1"),
        (
            GOOD._replace(observations=np.full((4, 3), np.inf)),
            "observations must be fin",
        ),
        (
            GOOD._replace(actions=np.full((4, 2), "left")),
            "actions must hold real numbers",
        ),
        (
            GOOD._replace(rewards=np.array([0.0, 0.0, -1e39, 0.0])),
            r"rewards must fit into float32, got -1e\+39 at row 2",
        ),
        (
            GOOD._replace(next_observations=np.full((4, 3), 1e300)),
            "next_observations must fit into float32",
        ),
    ],
)
def test_bad_transitions_are_one_clear_error(
    transitions: Transitions, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        train_critic(transitions, IQLConfig(steps=1), on_progress=fail)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((np.zeros(3), np.ones(3)), "each a number or 2 numbers"),
        ((-np.inf, np.inf), "must be finite"),
        ((1.0, -1.0), "low below high"),
        (1.0, "a pair .*each a number or 2 numbers, got 1.0"),
        (None, "a pair .*, got None"),
        ((0.5, 1.0), r"got 0.0 in column 0 of row 0, outside \[0.5, 1.0\]"),
    ],
)
def test_bad_bounds_are_one_clear_error(bounds: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train_critic(GOOD, IQLConfig(steps=1), bounds=bounds, on_progress=fail)


@pytest.mark.parametrize(
    "setting",
    [
        {"expectile": 1.0},
        {"temperature": -1.0},
        {"discount": 1.0},
        {"target_rate": 0.0},
        {"batch": 0},
        {"learning_rate": 0.0},
        {"hidden": ()},
        {"hidden": (0,)},
        {"hidden": (256.5,)},
        {"hidden": 256},
        {"hidden": "ab"},
        {"temperature": float("inf")},
        {"learning_rate": float("inf")},
        {"steps": 0},
        {"steps": 1e5},
        {"batch": 256.0},
        {"seed": 0.5},
        {"seed": 2**64},
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(
    setting: dict[str, Any],
) -> None:
    (name,) = setting
    with pytest.raises(ValueError, match=rf"^'?{name}'? must [^\n]{{,150}}$") as caught:
        IQLConfig(**setting)
    assert "Attribute(" not in str(caught.value)


def test_widths_may_come_in_any_sequence_of_whole_numbers() -> None:
    widths: list[Any] = [[256, 128], (256, 128), np.array([256, 128])]
    for given in widths:
        assert IQLConfig(hidden=given).hidden == (256, 128)


def test_packed_rows_come_apart_again() -> None:
    rng = np.random.default_rng(0)
    state, action, following = (rng.normal(size=(5, n)) for n in (3, 2, 3))
    reward, ended = rng.normal(size=5), rng.random(5) < 0.5
    rows = pack(Transitions(state, action, reward, following, ended))
    batch = unpack(rows, Sizes(3, 2))
    np.testing.assert_allclose(batch.pair.T, np.hstack([state, action]), rtol=1e-6)
    np.testing.assert_allclose(batch.action.T, action, rtol=1e-6)
    np.testing.assert_allclose(batch.next_observation.T, following, rtol=1e-6)
    np.testing.assert_allclose(batch.reward, reward, rtol=1e-6)
    np.testing.assert_array_equal(batch.termination, ended)


def test_a_batch_is_made_of_checked_transitions_and_drawn_from_them() -> None:
    count = np.arange(50.0)
    rows = np.stack([count, -count], 1)
    data = Transitions(rows, rows / 50, 2 * count, rows + 1, count > 25)
    batch = as_batch(data)
    for tensor, array in zip(batch, data, strict=True):
        assert tensor.dtype == torch.float32
        np.testing.assert_allclose(tensor, array)
    drawn = draw_batch(batch, 400, torch.Generator().manual_seed(0))
    index = drawn.observations[:, 0].long()
    assert set(index.tolist()) == set(range(50))
    for tensor, column in zip(drawn, batch, strict=True):
        assert torch.equal(tensor, column[index])
    with pytest.raises(ValueError, match=r"outside \[-0.5, 0.5\]"):
        as_batch(data, bounds=(-0.5, 0.5))
    with pytest.raises(ValueError, match="rewards must be finite"):
        as_batch(data._replace(rewards=np.full(50, np.nan)))


def test_the_recipes_are_the_published_ones() -> None:
    assert (LOCOMOTION.expectile, LOCOMOTION.temperature) == (0.7, 3.0)
    assert (ANTMAZE.expectile, ANTMAZE.temperature) == (0.9, 10.0)
    assert LOCOMOTION.discount == ANTMAZE.discount == 0.99


def test_locomotion_rewards_put_best_and_worst_return_1000_apart() -> None:
    rewards, ends = [1.0, 2.0, 3.0, -1.0, 0.5], [2, 3, 5]
    scaled = locomotion_rewards(rewards, ends)
    returns = [part.sum() for part in np.split(scaled, ends[:-1])]
    assert max(returns) - min(returns) == pytest.approx(1000.0)
    np.testing.assert_allclose(scaled / scaled[0], np.array(rewards), rtol=1e-6)


def test_rewards_without_a_scale_are_refused() -> None:
    with pytest.raises(ValueError, match="must differ, all are"):
        locomotion_rewards([1.0, 1.0], [1, 2])
    with pytest.raises(ValueError, match="rewards must be finite, got nan at row 1"):
        locomotion_rewards([1.0, np.nan, 2.0], [1, 3])
    with pytest.raises(ValueError, match="increase strictly from at least 1 to 2"):
        locomotion_rewards([1.0, 2.0], [1, 1])


def test_antmaze_rewards_cost_one_a_step() -> None:
    assert antmaze_rewards([0.0, 0.0, 1.0]).tolist() == [-1.0, -1.0, 0.0]


@pytest.mark.parametrize(
    "ends",
    [
        np.array([3, 1], np.uint64),
        np.array([2**64 - 1, 3], np.uint64),
        np.array([1.0, 3.0]),
        [1.7, 3.2],
        [[1, 3]],
        [True, True],
        [],
        ["1", "3"],
    ],
)
def test_ends_that_do_not_split_the_rewards_are_refused(ends: Any) -> None:
    with pytest.raises(ValueError, match="ends must be whole numbers"):
        locomotion_rewards([1.0, 2.0, 4.0], ends)


def test_ends_are_right_in_whatever_whole_numbers_they_come() -> None:
    expected = locomotion_rewards([1.0, 2.0, 4.0], [1, 3])
    for kind in ("u1", "u8", "i2"):
        found = locomotion_rewards([1.0, 2.0, 4.0], np.array([1, 3], kind))
        assert np.array_equal(found, expected)
    tensor: Any = torch.tensor([1, 3])
    assert np.array_equal(locomotion_rewards([1.0, 2.0, 4.0], tensor), expected)


@pytest.mark.parametrize(
    ("rewards", "message"),
    [
        ([1.0, np.inf, 2.0], "rewards must be finite"),
        ([[1.0], [2.0], [3.0]], "must have shape"),
        ([1e308, 1e308, 1e308], "must fit into float64"),
        ([1e-50, 0.0, 1e10], None),
        ([1e-300, 0.0, 2e-300], None),
    ],
)
def test_scaled_rewards_are_finite_or_refused(rewards: Any, message: Any) -> None:
    if message is None:
        assert np.isfinite(locomotion_rewards(rewards, [1, 3])).all()
        return
    with pytest.raises(ValueError, match=message):
        locomotion_rewards(rewards, [1, 3])


@pytest.mark.parametrize("wrong", [[np.nan], [1e300], [[1.0]], [np.inf]])
def test_maze_rewards_are_finite_or_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="rewards must"):
        antmaze_rewards(wrong)
