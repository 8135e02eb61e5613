"""What does not fit together is refused before anything is trained."""

import attrs
import gymnasium as gym
import numpy as np
import pytest

from tt_bench.data.dataset import Dataset
from tt_bench.data.episodes import Episodes
from tt_bench.methods.critic import TrainedCritic, Units
from tt_bench.methods.planners import critic_evaluator
from tt_bench.methods.settings import PlannerSettings
from tt_bench.methods.task import find_task
from tt_critic import IQLConfig, Transitions, train_critic
from tt_tokenize import Layout, QuantileBins


def test_a_critic_of_other_sizes_than_the_tokenizers_is_refused() -> None:
    draws = np.random.default_rng(0)
    data = Transitions(
        draws.normal(size=(50, 3)),
        draws.uniform(-1, 1, (50, 1)),
        np.zeros(50),
        draws.normal(size=(50, 3)),
        np.zeros(50, np.bool_),
    )
    critic = train_critic(data, IQLConfig(steps=1, hidden=(4, 4), batch=4))
    trained = TrainedCritic(critic, Units(1.0, 0.0), 1, 0.0)
    bins = QuantileBins.fit(draws.normal(size=(100, 7)), bins=4)
    with pytest.raises(ValueError, match="one of 3 and 1: train both on one dataset"):
        critic_evaluator(
            bins, Layout(4, 1), trained, PlannerSettings(), discount=0.9, device="cpu"
        )


def test_actions_that_the_environment_cannot_take_are_refused() -> None:
    actions = np.zeros((10, 1), np.float32)
    actions[7] = 2.5
    episodes = Episodes(
        observations=np.zeros((10, 3)),
        actions=actions,
        rewards=np.zeros(10),
        ends=np.array([10]),
        terminated=np.zeros(1, np.bool_),
        final_observations=np.zeros((1, 3)),
    )
    dataset = Dataset(
        name="made",
        episodes=episodes,
        env_id="Pendulum-v1",
        make_env=lambda: gym.make("Pendulum-v1"),
        reference=None,
        source="a test",
    )
    with pytest.raises(ValueError, match=r"2\.5 as number 0 of the action of row 7"):
        find_task(dataset)
    actions[7] = 2.0005  # rounding is let pass
    find_task(attrs.evolve(dataset, episodes=attrs.evolve(episodes, actions=actions)))
