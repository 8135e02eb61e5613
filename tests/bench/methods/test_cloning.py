from typing import Any, cast

import numpy as np
import pytest
import torch

from tt_bench.agents import TransformerAgent
from tt_bench.data.episodes import Episodes
from tt_bench.interface import FloatArray
from tt_bench.methods.cloned_policy import ClonedPolicies, ClonedPolicy
from tt_bench.methods.cloning import best_transitions, clone, clone_all
from tt_bench.methods.settings import CloningConfig
from tt_tokenize import Layout

NOTHING: Any = None

QUICK = CloningConfig(steps=400, batch=64, width=32, learning_rate=3e-3)
MIXING = np.array([[0.5, -0.2], [0.1, 0.3], [-0.4, 0.0]], np.float32)


def act(observations: FloatArray) -> FloatArray:
    standard = (observations - 100.0) / 50.0
    actions: FloatArray = (standard @ MIXING).astype(np.float32)
    return actions


def linear_data(seed: int = 0) -> Episodes:
    draws = np.random.default_rng(seed)
    observations = draws.normal(100, 50, (400, 3)).astype(np.float32)
    return Episodes(
        observations=observations,
        actions=act(observations),
        rewards=np.repeat(np.arange(4.0, dtype=np.float32), 100),
        ends=np.array([100, 200, 300, 400]),
        terminated=np.zeros(4, np.bool_),
        final_observations=observations[[99, 199, 299, 399]],
    )


def test_policies_that_learn_at_once_are_those_of_each_seed_to_rounding() -> None:
    data, short, steps = linear_data(), CloningConfig(steps=40, width=16), list[int]()
    policies = clone_all(data, short, seeds=(5, 0, 2), on_step=steps.append)
    assert steps == list(range(1, 41))
    for seed, policy in zip((5, 0, 2), policies, strict=True):
        alone = clone(data, short, seed=seed).state_dict()
        torch.testing.assert_close(policy.state_dict(), alone, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="at least one seed, got none"):
        clone_all(data, short, seeds=())


def test_several_policies_have_the_outputs_and_gradients_of_each() -> None:
    numbers = torch.Generator().manual_seed(0)
    mean, deviation = torch.randn(3, generator=numbers), torch.full((3,), 2.0)
    policies = [ClonedPolicy(mean, deviation, 2, 8).double() for _ in range(4)]
    together = ClonedPolicies(policies)
    given = torch.randn(4, 6, 3, generator=numbers, dtype=torch.float64)
    chosen = together(given)
    torch.autograd.backward(chosen.square().mean((1, 2)).sum())
    for row, policy in enumerate(policies):
        alone = policy(given[row])
        torch.testing.assert_close(chosen[row], alone, rtol=1e-12, atol=1e-14)
        torch.autograd.backward(alone.square().mean())
        for own, stacked in zip(
            policy.layers.parameters(), together.layers, strict=True
        ):
            assert own.grad is not None
            assert stacked.grad is not None
            torch.testing.assert_close(
                stacked.grad[row], own.grad, rtol=1e-11, atol=1e-14
            )


def test_a_linear_policy_on_large_observations_is_recovered() -> None:
    policy = clone(linear_data(), QUICK, seed=0)
    unseen = linear_data(seed=1).observations
    error = np.abs(policy.act(unseen) - act(unseen)).mean()
    assert error < 0.08  # the actions' mean absolute value is 0.4


def test_the_same_seed_gives_the_same_policy_and_another_another() -> None:
    data, short = linear_data(), CloningConfig(steps=5, batch=16, width=8)
    first, again, other = (clone(data, short, seed=s).act for s in (3, 3, 4))
    probe = data.observations[:5]
    np.testing.assert_array_equal(first(probe), again(probe))
    assert not np.array_equal(first(probe), other(probe))


def test_the_best_episodes_are_those_of_highest_return() -> None:
    rows = best_transitions(linear_data(), 0.25)
    np.testing.assert_array_equal(rows, np.arange(300, 400))
    assert len(best_transitions(linear_data(), 0.01)) == 100
    assert len(best_transitions(linear_data(), 1.0)) == 400


def test_steps_are_reported_and_settings_checked() -> None:
    steps: list[int] = []
    short = CloningConfig(steps=3, width=4)
    clone(linear_data(), short, seed=0, on_step=lambda one: steps.append(one.step))
    assert steps == [1, 2, 3]
    for seed in (1.0, float("inf"), "0", -1):
        with pytest.raises(
            ValueError, match="seeds that are whole numbers from 0, got"
        ):
            clone(linear_data(), CloningConfig(steps=3), seed=cast(int, seed))
    with pytest.raises(ValueError, match="fraction"):
        CloningConfig(fraction=1.5)


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta", "", None, [], 1.5])
def test_a_device_that_there_is_not_is_refused(device: Any) -> None:
    ends = np.array([5])
    episodes = Episodes(
        np.ones((5, 2)), np.ones((5, 1)), np.ones(5), ends, [True], np.ones((1, 2))
    )
    with pytest.raises(ValueError, match="expected a device that torch can use, got"):
        clone(episodes, CloningConfig(steps=1), seed=0, device=device)
    bound = np.ones(1, np.float32)
    with pytest.raises(ValueError, match="expected a device that torch can use, got"):
        TransformerAgent(
            *(NOTHING, Layout(2, 1), NOTHING),
            context=1,
            low=-bound,
            high=bound,
            device=device,
        )
