import numpy as np
import pytest
import torch
from torch import Tensor

from tt_plan import (
    Advantage,
    Expectation,
    Goal,
    LogLikelihood,
    Outcome,
    Quantile,
    QValue,
)

V = 4
MIDDLES = torch.tensor([-1.0, 0.0, 2.0, 6.0])
OBSERVATION = torch.tensor([[0.0, 1.0, 2.0, 3.0], [0.0, 10.0, 20.0, 30.0]])
ACTION = torch.tensor([[-3.0, -1.0, 1.0, 3.0]])
TOKENS = torch.tensor([[1, 2, 3, 0, 0], [3, 0, 1, 0, 0], [4, 4, 4, 4, 4]])


def logits(reward: list[float], value: list[float], stop: float = 9.0) -> Tensor:
    """Return logits [3, 5, V + 1] of two distributions, with a large stop logit."""
    made = torch.zeros(3, 5, V + 1)
    made[:, -2, :V], made[:, -1, :V] = torch.tensor([reward, value]).log()
    made[..., V] = stop
    return made


DRAWN = logits([0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.0, 0.0])


def assert_outcome(outcome: Outcome, reward: list[float], value: list[float]) -> None:
    torch.testing.assert_close(outcome.reward, torch.tensor(reward))
    torch.testing.assert_close(outcome.value, torch.tensor(value))


def test_expectation_is_the_weighted_middle_without_the_stop_token() -> None:
    outcome = Expectation(MIDDLES, MIDDLES)(TOKENS, DRAWN)
    assert_outcome(outcome, [2.9] * 3, [-0.5] * 3)


def test_expectation_of_a_given_token_is_its_middle() -> None:
    drawn = torch.full((3, 5, V + 1), -torch.inf)
    drawn[:, :, 2] = 0.0
    assert_outcome(Expectation(MIDDLES, MIDDLES)(TOKENS, drawn), [2.0] * 3, [2.0] * 3)


def test_expectation_without_values_reads_the_reward_alone() -> None:
    evaluator = Expectation(MIDDLES.numpy(), positions=(-1,))
    assert evaluator.positions == (-1,)
    assert_outcome(evaluator(TOKENS, DRAWN), [-0.5] * 3, [0.0] * 3)


def test_expectation_takes_models_without_a_stop_token() -> None:
    outcome = Expectation(MIDDLES, MIDDLES)(TOKENS, DRAWN[..., :V])
    assert_outcome(outcome, [2.9] * 3, [-0.5] * 3)


@pytest.mark.parametrize(
    ("q", "reward", "value"),
    [
        (0.05, -1.0, -1.0),
        (0.25, 0.0, -1.0),
        (0.55, 2.0, 0.0),
        (0.65, 6.0, 0.0),
        (1.0, 6.0, 0.0),
    ],
)
def test_quantile_is_the_first_middle_that_reaches_the_share(
    q: float, reward: float, value: float
) -> None:
    outcome = Quantile(q, MIDDLES, MIDDLES)(TOKENS, DRAWN)
    assert_outcome(outcome, [reward] * 3, [value] * 3)
    mixed = torch.tensor([2, 0, 3, 1])
    shuffled = DRAWN.clone()
    shuffled[..., :V] = DRAWN[..., mixed]
    outcome = Quantile(q, MIDDLES[mixed], MIDDLES[mixed])(TOKENS, shuffled)
    assert_outcome(outcome, [reward] * 3, [value] * 3)


def test_log_likelihood_sums_over_the_transition() -> None:
    drawn = logits([0.25] * 4, [0.25] * 4, stop=-torch.inf)
    outcome = LogLikelihood()(TOKENS[:2], drawn[:2])
    assert_outcome(outcome, [5 * float(np.log(0.25))] * 2, [0.0] * 2)


def test_log_likelihood_of_bfloat16_logits_is_computed_in_float32() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(2, 16, 100, generator=generator).bfloat16()
    tokens = torch.randint(100, (2, 16), generator=generator)
    coarse = LogLikelihood()(tokens, drawn).reward
    assert coarse.dtype == torch.float32
    assert torch.equal(coarse, LogLikelihood()(tokens, drawn.float()).reward)


def test_nearness_to_a_goal_is_half_at_the_distance_of_the_scale() -> None:
    goal = Goal([4.0, 16.0], OBSERVATION, scale=5.0)  # rows at (1, 20) and (3, 0)
    outcome = goal(TOKENS[:2], DRAWN[:2])
    expected = [0.5, 1 / (1 + 257**0.5 / 5)]
    assert_outcome(outcome, expected, expected)


def test_goal_can_speak_of_some_dimensions_alone() -> None:
    goal = Goal(np.array([20.0]), OBSERVATION.numpy(), dimensions=[1])
    assert_outcome(goal(TOKENS[:2], DRAWN[:2]), [1.0, 1 / 21], [1.0, 1 / 21])


def q(observation: Tensor, action: Tensor) -> Tensor:
    return observation.sum(1) + 100 * action[:, 0]


def test_q_value_judges_the_decoded_observation_and_action() -> None:
    outcome = QValue(q, OBSERVATION, ACTION, MIDDLES)(TOKENS, DRAWN)
    assert_outcome(outcome, [2.9] * 3, [321.0, -97.0, 333.0])


def test_q_value_can_stand_alone() -> None:
    evaluator = QValue(q, OBSERVATION, ACTION)
    assert evaluator.positions == ()
    assert_outcome(evaluator(TOKENS, DRAWN), [0.0] * 3, [321.0, -97.0, 333.0])


def test_reward_plus_discounted_value_is_q_where_a_discount_is_given() -> None:
    outcome = QValue(q, OBSERVATION, ACTION, MIDDLES, discount=0.9)(TOKENS, DRAWN)
    total = outcome.reward + 0.9 * outcome.value
    torch.testing.assert_close(total, torch.tensor([321.0, -97.0, 333.0]))


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"reward_middles must be \[V\]"):
        Expectation(OBSERVATION)
    with pytest.raises(ValueError, match=r"observation_middles must be \[D, V\]"):
        QValue(q, MIDDLES, ACTION)
    with pytest.raises(ValueError, match="a quantile is in"):
        Quantile(0.0, MIDDLES)
    with pytest.raises(ValueError, match="goal must have one number for each of 2"):
        Goal([1.0], OBSERVATION)
    with pytest.raises(ValueError, match="dimensions must be columns below 2"):
        Goal([1.0], OBSERVATION, dimensions=[2])
    with pytest.raises(ValueError, match="scale must be a distance above 0"):
        Goal([1.0, 2.0], OBSERVATION, scale=0.0)
    with pytest.raises(ValueError, match="discount must be in"):
        QValue(q, OBSERVATION, ACTION, discount=0.0)


def test_middles_that_do_not_fit_the_model_are_refused() -> None:
    with pytest.raises(ValueError, match="got 3 bin middles for logits with 5 entries"):
        Expectation(MIDDLES[:3])(TOKENS, DRAWN)
    with pytest.raises(ValueError, match="2 observation and 2 action columns"):
        QValue(q, OBSERVATION, OBSERVATION)(TOKENS, DRAWN)
    with pytest.raises(ValueError, match="middles for 3 columns, but 2 tokens"):
        Goal([1.0] * 3, torch.zeros(3, V))(TOKENS[:, :2], DRAWN)


def test_middles_of_frozen_bins_are_taken_without_a_warning() -> None:
    frozen = np.linspace(0.0, 1.0, 3, dtype=np.float32)
    frozen.setflags(write=False)
    outcome = Expectation(frozen, frozen)(
        torch.zeros(1, 2).long(), torch.zeros(1, 2, 3)
    )
    assert outcome.reward.item() == pytest.approx(0.5)


def test_a_goal_that_cannot_be_written_to_is_taken_without_a_warning() -> None:
    point = np.array([4.0, 16.0])
    point.setflags(write=False)
    goal = Goal(point, OBSERVATION, scale=5.0)
    assert_outcome(goal(TOKENS[:1], DRAWN[:1]), [0.5], [0.5])


def test_advantage_is_the_critics_q_minus_v_of_the_decoded_numbers() -> None:
    def q(observation: Tensor, action: Tensor) -> Tensor:
        return observation.sum(1) * action[:, 0]

    def v(observation: Tensor) -> Tensor:
        return observation[:, 1]

    outcome = Advantage(q, v, OBSERVATION, ACTION)(TOKENS[:2], DRAWN[:2])
    # observations (1, 20) and (3, 0), actions 3 and -1
    assert_outcome(outcome, [21.0 * 3.0 - 20.0, 3.0 * -1.0 - 0.0], [0.0, 0.0])


@pytest.mark.parametrize("discount", [None, 0.9])
def test_a_q_of_another_shape_than_the_rows_is_refused(discount: float | None) -> None:
    def tall(observation: Tensor, action: Tensor) -> Tensor:
        return observation[:, :1] + action[:, :1]  # [R, 1]

    evaluator = QValue(tall, OBSERVATION, ACTION, MIDDLES, discount=discount)
    with pytest.raises(ValueError, match=r"q must return .* \[3\], but .* \(3, 1\)"):
        evaluator(TOKENS, DRAWN)
    for name, judge in (
        ("q", Advantage(tall, lambda o: o[:, 0], OBSERVATION, ACTION)),
        ("v", Advantage(q, lambda o: o[:, :1], OBSERVATION, ACTION)),
    ):
        with pytest.raises(ValueError, match=f"{name} must return one number"):
            judge(TOKENS, DRAWN)


def test_advantage_refuses_middles_of_another_size() -> None:
    evaluator = Advantage(lambda o, a: o[:, 0], lambda o: o[:, 0], OBSERVATION, ACTION)
    with pytest.raises(ValueError, match="needs their sum"):
        evaluator(TOKENS[:, :4], DRAWN)
