"""What a planner's evaluators return, against numbers computed by hand."""

import math

import numpy as np
import torch

from tt_bench.methods.critic import TrainedCritic, Units
from tt_bench.methods.planners import (
    action_kernels,
    critic_evaluator,
    outcome_evaluator,
)
from tt_bench.methods.settings import PlannerSettings
from tt_critic import Critic
from tt_plan import Evaluator, Outcome
from tt_tokenize import Layout, UniformBins

# of an observation, an action, a reward and a value: two bins each
MIDDLES = [[1.0, 3.0], [-0.5, 0.5], [2.5, 7.5], [100.0, 900.0]]
BINS = UniformBins([[2.0], [0.0], [5.0], [500.0]], MIDDLES)
UNITS = Units(scale=0.1, shift=-1.0)
TOKENS = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0]])  # (3, -0.5) and (1, 0.5)
# of two inputs o and a, one hidden unit and one output: two weights and a bias, then
# a weight and a bias
NETWORKS = [
    [1.0, 0.0, 100.0, 1.0, -95.0],  # V = o + 5
    [1.0, 10.0, 100.0, 2.0, -150.0],  # Q = 2 o + 20 a + 50, the lower of the two
    [1.0, 10.0, 100.0, 2.0, 850.0],
    [0.0, 0.0, 0.0, 0.0, 0.0],
]
CRITIC = Critic(
    observation_size=1,
    action_size=1,
    hidden=(1,),
    networks=torch.tensor(NETWORKS),
    log_deviation=torch.zeros(1),
    bounds=torch.tensor([[-1.0], [1.0]]),
)


def judge(settings: PlannerSettings) -> Outcome:
    """Judge the tokens where the reward is 2.5 once in four times, else 7.5."""
    evaluator: Evaluator = critic_evaluator(
        BINS,
        Layout(1, 1),
        TrainedCritic(CRITIC, UNITS, 1, 0.0),
        settings,
        discount=0.5,
        device="cpu",
    )
    logits = torch.full((2, 4, 3), 7.0)  # the last one is the stop token's
    logits[:, 2, :2] = torch.tensor([0.25, 0.75]).log()
    return evaluator(TOKENS, logits)


def test_a_critic_judges_in_its_own_units() -> None:
    outcome = judge(PlannerSettings(critic="q"))
    # the mean reward is 6.25, and 0.1 * 6.25 - 1 for the critic; Q is 46 and 62
    torch.testing.assert_close(outcome.reward, torch.tensor([-0.375, -0.375]))
    values = [(46.0 + 0.375) / 0.5, (62.0 + 0.375) / 0.5]
    torch.testing.assert_close(outcome.value, torch.tensor(values))
    total = outcome.reward + 0.5 * outcome.value
    torch.testing.assert_close(total, torch.tensor([46.0, 62.0]))


def test_an_advantage_is_the_critics_alone() -> None:
    outcome = judge(PlannerSettings(critic="advantage"))
    torch.testing.assert_close(outcome.reward, torch.tensor([46.0 - 8.0, 62.0 - 6.0]))
    assert outcome.value.tolist() == [0.0, 0.0]


def test_a_goal_takes_the_place_of_reward_and_value() -> None:
    settings = PlannerSettings(goal=(2.0,))
    evaluator = outcome_evaluator(BINS, Layout(1, 1), settings, "cpu")
    outcome = evaluator(TOKENS, torch.zeros(2, 4, 3))
    assert outcome.reward.tolist() == [0.5, 0.5], "3 and 1 are both 1 from 2"
    assert outcome.value.tolist() == [0.5, 0.5]


def test_a_goal_names_its_numbers() -> None:
    bins = UniformBins([[2.0], *BINS.edges], [[0.0, 9.0], *MIDDLES])
    settings = PlannerSettings(goal=(3.0,), goal_columns=(1,))
    evaluator = outcome_evaluator(bins, Layout(2, 1), settings, "cpu")
    tokens = torch.tensor([[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]])
    outcome = evaluator(tokens, torch.zeros(2, 5, 3))
    torch.testing.assert_close(outcome.reward, torch.tensor([1.0, 1 / 3]))


def test_kernels_are_of_action_numbers_and_as_wide_as_a_share_of_their_range() -> None:
    assert action_kernels(BINS, Layout(1, 1), None, "cpu") is None
    kernels = action_kernels(BINS, Layout(1, 1), 0.5, "cpu")  # of a range of 1
    assert kernels is not None
    assert [kernel is None for kernel in kernels] == [True, False, True, True]
    away = math.exp(-0.5 * (1.0 / 0.5) ** 2)
    torch.testing.assert_close(kernels[1], torch.tensor([[1.0, away], [away, 1.0]]))


def test_an_action_number_that_is_always_the_same_has_no_kernel() -> None:
    numbers = np.arange(20.0, dtype=np.float32).reshape(5, 4)
    numbers[:, 1] = 0.5
    same = UniformBins.fit(numbers, bins=4)
    assert action_kernels(same, Layout(1, 1), 0.5, "cpu") == [None] * 4
