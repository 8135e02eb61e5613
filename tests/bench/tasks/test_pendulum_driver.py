"""The pendulum driver swings up, balances, and shakes a share of the episodes."""

import gymnasium as gym
import numpy as np
import pytest

from tt_bench.evaluation.episodes import evaluate
from tt_bench.tasks.pendulum_driver import PendulumDriver, SwingConfig, swing


def test_it_swings_up_from_anywhere_and_balances() -> None:
    driver = PendulumDriver(SwingConfig(random=0.0, noise=0.0))
    returns = evaluate(driver, lambda: gym.make("Pendulum-v1"), range(50)).returns
    assert returns.min() > -450
    assert returns.mean() > -250


def test_random_episodes_are_far_worse() -> None:
    driver = PendulumDriver(SwingConfig(random=1.0))
    returns = evaluate(driver, lambda: gym.make("Pendulum-v1"), range(5)).returns
    assert returns.mean() < -800


def test_energy_is_pumped_in_with_the_speed_and_out_above_upright() -> None:
    hanging = np.array([-1.0, -1.0, -1.0]), np.zeros(3), np.array([1.0, -1.0, 8.0])
    torque = swing(np.stack(hanging, axis=1).astype(np.float32), SwingConfig())
    assert torque[0] > 0 > torque[1]
    assert torque[2] < 0  # 1/6 * 64 - 5 > 5: more energy than upright


def test_a_share_of_the_episodes_is_random() -> None:
    driver = PendulumDriver(SwingConfig(random=0.25, noise=0.0))
    driver.start(2000, 0)
    upright = np.tile(np.array([1, 0, 0], np.float32), (2000, 1))
    torque = driver.act(upright, np.ones(2000, np.bool_))
    assert torque.shape == (2000, 1)
    assert 0.2 < (np.abs(torque) > 1e-6).mean() < 0.3
    assert np.abs(torque).max() <= 2.0


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="random"):
        SwingConfig(random=1.5)
    with pytest.raises(ValueError, match="noise"):
        SwingConfig(noise=-0.1)
