"""Q and V from offline transitions (implicit Q-learning), and its policy."""

from tt_critic._config import ANTMAZE, LOCOMOTION, IQLConfig
from tt_critic._critic import Critic, load, save
from tt_critic._losses import (
    advantage_weights,
    bellman_loss,
    bellman_target,
    expectile_loss,
    gaussian_log_probability,
    policy_loss,
)
from tt_critic._rewards import antmaze_rewards, locomotion_rewards
from tt_critic._training import Progress, log_progress, train_critic
from tt_critic._transitions import Transitions

__all__ = [
    "ANTMAZE",
    "LOCOMOTION",
    "Critic",
    "IQLConfig",
    "Progress",
    "Transitions",
    "advantage_weights",
    "antmaze_rewards",
    "bellman_loss",
    "bellman_target",
    "expectile_loss",
    "gaussian_log_probability",
    "load",
    "locomotion_rewards",
    "log_progress",
    "policy_loss",
    "save",
    "train_critic",
]
