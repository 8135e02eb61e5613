"""Q and V from offline transitions (implicit Q-learning), and its policy."""

from tt_critic._batch import Batch, as_batch, draw_batch
from tt_critic._config import ANTMAZE, LOCOMOTION, IQLConfig
from tt_critic._critic import Critic, as_critic, load, save
from tt_critic._iql import (
    CriticUpdate,
    Losses,
    Optimizers,
    descend,
    make_optimizers,
    update,
    update_critic,
)
from tt_critic._losses import (
    advantage_weights,
    bellman_loss,
    bellman_target,
    expectile_loss,
    gaussian_log_probability,
    policy_loss,
)
from tt_critic._networks import (
    GaussianPolicy,
    Networks,
    TwinQ,
    perceptron,
    polyak_update,
)
from tt_critic._rewards import antmaze_rewards, locomotion_rewards
from tt_critic._training import (
    Progress,
    log_progress,
    train_critic,
    train_critics,
)
from tt_critic._transitions import Transitions

__all__ = [
    "ANTMAZE",
    "LOCOMOTION",
    "Batch",
    "Critic",
    "CriticUpdate",
    "GaussianPolicy",
    "IQLConfig",
    "Losses",
    "Networks",
    "Optimizers",
    "Progress",
    "Transitions",
    "TwinQ",
    "advantage_weights",
    "antmaze_rewards",
    "as_batch",
    "as_critic",
    "bellman_loss",
    "bellman_target",
    "descend",
    "draw_batch",
    "expectile_loss",
    "gaussian_log_probability",
    "load",
    "locomotion_rewards",
    "log_progress",
    "make_optimizers",
    "perceptron",
    "policy_loss",
    "polyak_update",
    "save",
    "train_critic",
    "train_critics",
    "update",
    "update_critic",
]
