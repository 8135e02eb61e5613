import itertools
from typing import NamedTuple

import numpy as np
import pytest
import torch

from tt_critic import Critic, IQLConfig, Transitions, train_critic

DISCOUNT = 0.9


class Move(NamedTuple):
    state: int
    action: float
    reward: float
    following: int
    ends: bool
    weight: int


# Going right from 2 pays 1; leaving at 0 pays 0.3. The data mostly goes left.
MOVES = [
    Move(0, -1.0, 0.3, 0, True, 2),
    Move(0, 1.0, 0.0, 1, False, 1),
    Move(1, -1.0, 0.0, 0, False, 2),
    Move(1, 1.0, 0.0, 2, False, 1),
    Move(2, -1.0, 0.0, 1, False, 2),
    Move(2, 1.0, 1.0, 2, True, 1),
]


def values_of(shares: dict[Move, float]) -> np.ndarray:
    """Solve V = r + discount P V for a policy over the moves."""
    matrix, rewards = np.eye(3), np.zeros(3)
    for move, share in shares.items():
        rewards[move.state] += share * move.reward
        matrix[move.state, move.following] -= share * DISCOUNT * (not move.ends)
    values: np.ndarray = np.linalg.solve(matrix, rewards)
    return values


def behaviour_values() -> np.ndarray:
    totals = np.bincount([m.state for m in MOVES], [m.weight for m in MOVES])
    return values_of({move: move.weight / totals[move.state] for move in MOVES})


def best_values() -> np.ndarray:
    by_state = [[m for m in MOVES if m.state == state] for state in range(3)]
    policies = itertools.product(*by_state)
    values = np.stack([values_of(dict.fromkeys(moves, 1.0)) for moves in policies])
    best: np.ndarray = values.max(axis=0)
    return best


def train(expectile: float) -> Critic:
    rows = [move for move in MOVES for _ in range(move.weight)]
    one_hot = np.eye(3)
    transitions = Transitions(
        one_hot[[m.state for m in rows]],
        np.array([[m.action] for m in rows]),
        np.array([m.reward for m in rows]),
        one_hot[[m.following for m in rows]],
        np.array([m.ends for m in rows]),
    )
    config = IQLConfig(
        expectile=expectile,
        discount=DISCOUNT,
        hidden=(32,),
        batch=64,
        learning_rate=3e-3,
        target_rate=0.05,
        steps=1500,
    )
    return train_critic(transitions, config)


@pytest.mark.parametrize(
    ("expectile", "expected"), [(0.5, behaviour_values()), (0.99, best_values())]
)
def test_v_runs_from_the_behaviour_s_value_to_the_best_in_support(
    expectile: float, expected: np.ndarray
) -> None:
    critic = train(expectile)
    found = critic.v(np.eye(3))
    np.testing.assert_allclose(found, expected, atol=0.04)
    backup = torch.tensor([0.3, DISCOUNT * expected[1], 1.0])
    q = critic.q(np.eye(3)[[0, 0, 2]], np.array([[-1.0], [1.0], [1.0]]))
    torch.testing.assert_close(q.double(), backup.double(), atol=0.05, rtol=0)


def test_the_chain_tells_the_two_values_apart() -> None:
    np.testing.assert_allclose(best_values(), [0.81, 0.9, 1.0])
    assert (behaviour_values() < best_values() - 0.25).all()


@pytest.mark.parametrize(("terminated", "expected"), [(True, 1.0), (False, 2.0)])
def test_v_of_an_endless_reward_depends_on_termination(
    terminated: bool, expected: float
) -> None:
    here = np.zeros((4, 1))
    transitions = Transitions(here, here, np.ones(4), here, np.full(4, terminated))
    config = IQLConfig(
        discount=0.5,
        hidden=(8,),
        batch=8,
        learning_rate=1e-2,
        target_rate=0.1,
        steps=600,
    )
    critic = train_critic(transitions, config)
    assert critic.v(here[:1]).item() == pytest.approx(expected, abs=0.05)
