"""The data tells, with no network, the steps that are left and what they are worth."""

import numpy as np
import pytest

from tt_bench.studies.data_ways import learn_values, search_data


def chain(*places: float) -> tuple[np.ndarray, np.ndarray]:
    line = np.array(places, np.float32)[:, None]
    return line[:-1], line[1:]


def test_steps_are_counted_along_an_episode() -> None:
    states, following = chain(0.5, 1.5, 2.5, 3.5)
    ways = search_data(states, following, np.array([0, 0, 1], bool), np.ones(1))
    assert ways.steps.look_up(states, neighbours=1).tolist() == [3, 2, 1]


def test_episodes_join_where_they_meet_and_the_shorter_way_counts() -> None:
    long, long_next = chain(0.5, 1.5, 2.5, 3.5, 4.5, 9.5)
    start, start_next = chain(-0.5, 1.2)  # never goes on to the goal itself
    jump, jump_next = chain(1.9, 4.1)
    states = np.concatenate([long, start, jump])
    following = np.concatenate([long_next, start_next, jump_next])
    reached = np.array([0, 0, 0, 0, 1, 0, 0], bool)
    ways = search_data(states, following, reached, np.ones(1))
    query = np.array([[-0.5], [0.5], [2.5]], np.float32)
    assert ways.steps.look_up(query, neighbours=1).tolist() == [3, 3, 3]


def test_what_never_reaches_the_goal_takes_the_steps_of_its_neighbour() -> None:
    states, following = chain(0.5, 1.5, 2.5)
    lost, lost_next = chain(-3.5, -4.5)
    ways = search_data(
        np.concatenate([states, lost]),
        np.concatenate([following, lost_next]),
        np.array([0, 1, 0], bool),
        np.ones(1),
    )
    assert ways.steps.look_up(
        np.array([[-3.5]], np.float32), neighbours=1
    ).tolist() == [2]


def test_speed_makes_another_state_of_the_same_place() -> None:
    """Drive away, turn round, come back: the way back passes where it began."""
    states = np.array([[1.5, 1], [2.5, 1], [2.5, -1], [1.5, -1]], np.float32)
    following = np.array([[2.5, 1], [2.5, -1], [1.5, -1], [0.5, -1]], np.float32)
    reached = np.array([0, 0, 0, 1], bool)
    ways = search_data(states, following, reached, np.ones(2))
    assert ways.steps.look_up(states, neighbours=1).tolist() == [4, 3, 2, 1]


def test_data_that_never_reaches_the_goal_is_refused() -> None:
    states, following = chain(0.5, 1.5)
    with pytest.raises(ValueError, match="reaches the goal, got none"):
        search_data(states, following, np.zeros(1, bool), np.ones(1))


def test_neighbouring_boxes_are_averaged() -> None:
    states, following = chain(0.5, 1.5, 2.5, 3.5)
    ways = search_data(states, following, np.array([0, 0, 1], bool), np.ones(1))
    query = np.array([[1.6]], np.float32)
    assert ways.steps.look_up(query, neighbours=3).tolist() == [2]
    assert ways.steps.look_up(query, neighbours=2).tolist() == [1.5]
    assert ways.steps.look_up(query, neighbours=9).tolist() == [2]


def test_a_table_knows_what_a_known_way_is_worth() -> None:
    states, following = chain(0.5, 1.5, 2.5, 3.5)
    reached = np.array([0, 0, 1], bool)
    ways = search_data(states, following, reached, np.ones(1))
    table = learn_values(ways, discount=0.9, expectile=0.7)
    found = table.look_up(states, neighbours=1)
    np.testing.assert_allclose(found, [0.81, 0.9, 1.0], atol=1e-5)


@pytest.mark.parametrize("expectile", [0.5, 0.9])
def test_a_table_takes_the_expectile_of_what_transitions_are_worth(
    expectile: float,
) -> None:
    """From box 0 one transition reaches the goal, another takes two steps more."""
    states = np.array([[0.2], [0.7], [1.5], [2.5]], np.float32)
    following = np.array([[5.5], [1.5], [2.5], [5.5]], np.float32)
    reached = np.array([1, 0, 0, 1], bool)
    ways = search_data(states, following, reached, np.ones(1))
    table = learn_values(ways, discount=0.9, expectile=expectile)
    worth = expectile * 1.0 + (1 - expectile) * 0.81  # the better one weighs expectile
    found = table.look_up(states, neighbours=1)
    np.testing.assert_allclose(found, [worth, worth, 0.9, 1.0], atol=1e-5)


def test_a_table_of_a_high_expectile_knows_the_shortest_ways() -> None:
    rng = np.random.default_rng(0)
    states = rng.uniform(0, 10, (5_000, 1)).astype(np.float32)
    following = states + rng.normal(0, 1, states.shape).astype(np.float32)
    reached = following[:, 0] > 10
    ways = search_data(states, following, reached, np.ones(1))
    queries = np.arange(0.5, 10, dtype=np.float32)[:, None]
    steps = ways.steps.look_up(queries, neighbours=1)
    table = learn_values(ways, discount=0.9, expectile=0.9999)
    found = table.look_up(queries, neighbours=1)
    np.testing.assert_allclose(found, 0.9 ** (steps - 1), rtol=0.03)
    assert len(set(steps.tolist())) > 2


def test_what_leads_nowhere_teaches_a_table_nothing() -> None:
    states, following = chain(0.5, 1.5, 2.5)
    lost, lost_next = chain(1.2, -4.5)
    ways = search_data(
        np.concatenate([states, lost]),
        np.concatenate([following, lost_next]),
        np.array([0, 1, 0], bool),
        np.ones(1),
    )
    table = learn_values(ways, discount=0.9, expectile=0.5)
    found = table.look_up(states, neighbours=1)
    np.testing.assert_allclose(found, [0.9, 1.0], atol=1e-5)
