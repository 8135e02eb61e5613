"""The parts of a transition and how they are put together."""

from typing import Any

import attrs
import numpy as np
import pytest

from tt_tokenize import Layout, join


def test_slices_cover_a_transition_in_order() -> None:
    layout = Layout(observation=11, action=3)
    assert layout.width == 16
    positions = list(range(16))
    assert positions[layout.observation_slice] == list(range(11))
    assert positions[layout.action_slice] == [11, 12, 13]
    assert positions[layout.reward_slice] == [14]
    assert positions[layout.value_slice] == [15]


def test_parts_may_be_left_out() -> None:
    layout = Layout(2, 0, reward=1, value=0)
    assert layout.width == 3
    assert list(range(3))[layout.reward_slice] == [2]
    assert list(range(3))[layout.value_slice] == []
    assert list(range(3))[layout.action_slice] == []


@pytest.mark.parametrize(
    "sizes", [(0, 1), (3, -1), (3.0, 1), (3, 1, -1), (3, 1, 1, 1.5)]
)
def test_bad_sizes_are_refused(sizes: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"Layout's \w+ size must be a whole number"):
        Layout(*sizes)


def test_a_layout_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(Layout(3, 1), "action", 2)  # noqa: B010


def test_join_puts_parts_where_the_layout_says() -> None:
    generator = np.random.default_rng(0)
    observations, actions = generator.random((5, 4)), generator.random((5, 2))
    rewards, values = np.arange(5), -np.arange(5.0)
    joined = join(observations, actions, rewards, values)
    layout = Layout(4, 2)
    assert joined.dtype == np.float32
    assert joined.shape == (5, layout.width)
    parts = [
        (layout.observation_slice, observations),
        (layout.action_slice, actions),
        (layout.reward_slice, rewards[:, None]),
        (layout.value_slice, values[:, None]),
    ]
    for where, part in parts:
        assert np.array_equal(joined[:, where], part.astype(np.float32))


def test_join_without_values_has_no_value_column() -> None:
    joined = join([[1.0, 2.0]], np.empty((1, 0)), [3.0])
    assert joined.tolist() == [[1.0, 2.0, 3.0]]


@pytest.mark.parametrize("name", ["observations", "actions", "rewards", "values"])
@pytest.mark.parametrize("number", [1e39, -1e300])
def test_numbers_beyond_float32_are_refused(name: str, number: float) -> None:
    parts: dict[str, Any] = {
        "observations": np.zeros((3, 2)),
        "actions": np.zeros((3, 1)),
        "rewards": np.zeros(3),
        "values": np.zeros(3),
    }
    parts[name][1] = number
    with pytest.raises(ValueError, match=f"{name} hold a number beyond float32"):
        join(**parts)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            (np.zeros((3, 2)), np.zeros((3, 1)), np.zeros(2)),
            r"same number.*\[3, 3, 2\]",
        ),
        ((np.zeros(3), np.zeros((3, 1)), np.zeros(3)), "observations must have shape"),
        ((np.zeros((3, 2)), np.zeros(3), np.zeros(3)), "actions must have shape"),
        ((np.zeros((3, 2)), np.zeros((3, 1)), np.zeros((3, 1))), r"rewards.*\[rows\]"),
        ((np.zeros((3, 2)), [["a"]], np.zeros(3)), "actions must be real numbers"),
        ((np.zeros((2, 2)), [[1], [1, 2]], np.zeros(2)), "actions must be an array"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(
    parts: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        join(*parts)
