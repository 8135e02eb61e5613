"""Laws of tt_critic."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tt_critic
from torture import tiny
from torture.arrays import ARRAYS, array, flags, near, spoil
from torture.laws.law import Law
from torture.values import (
    Parameter,
    choice,
    just,
    options,
    paths,
    real,
    record,
    small,
    whole,
)
from tt_critic import IQLConfig, Networks, Transitions

_INSIDE = Parameter(
    lambda draws: draws.uniform(-1, 1, (12, 1)).astype(np.float32),
    lambda draws: spoil(draws, draws.uniform(-1, 1, (12, 1)).astype(np.float32)),
    ARRAYS,
)
_TRANSITIONS = record(
    Transitions,
    observations=array(12, 2),
    actions=_INSIDE,
    rewards=array(12),
    next_observations=array(12, 2),
    terminations=flags(12),
)
_BOUNDS = options(
    *((-1.0, 1.0), (np.array([-1.0]), np.array([1.0]))),
    odd=(
        *((1, -1), (-1,), (math.nan, 1), (-math.inf, 1), (0, 0), ("a", "b")),
        *((np.zeros(2), np.ones(2)), (-1e39, 1e39), ([], []), (1, 2, 3), (None, None)),
    ),
    types=(tuple,),
)
_SEEN, _DONE = array(4, 2), array(4, 1)
_GENERATORS = just(lambda _: torch.Generator().manual_seed(0), torch.Generator)
_NETWORKS = just(lambda _: tiny.networks(), Networks)
_BATCH = just(lambda _: tiny.batch(), tt_critic.Batch)
_CONFIG = just(lambda _: tiny.IQL, IQLConfig)
_HIDDEN = options(
    *((4,), [4, 4]), odd=((), (0,), (1.5,), (-1,), (True,)), types=(tuple, list)
)


def _train(transitions: Any, bounds: Any, every: Any, reports: Any, device: Any) -> Any:
    critic = tt_critic.train_critic(
        transitions,
        tiny.IQL,
        bounds=bounds,
        device=device,
        checkpoint_every=every,
        report_every=reports,
        on_progress=lambda _: None,
    )
    return critic.networks


def _train_all(transitions: Any, seeds: Any, bounds: Any, every: Any) -> Any:
    critics = tt_critic.train_critics(
        transitions,
        tiny.IQL,
        seeds,
        bounds=bounds,
        checkpoint_every=every,
        on_progress=lambda _: None,
    )
    return torch.stack([critic.networks for critic in critics])


def _load(path: Any, device: Any) -> Any:
    tt_critic.save(tiny.critic(), Path("c.safetensors"))
    return tt_critic.load(path, device).networks


def _update(step: Any) -> Any:
    def call(batch: Any, networks: Any, config: Any) -> Any:
        made = tt_critic.make_optimizers(networks, config)
        return step(networks, made, batch, config)

    return call


LAWS = [
    Law(
        "tt_critic.IQLConfig",
        IQLConfig,
        {
            "expectile": real(0.1, 0.9),
            "temperature": real(0, 10),
            "discount": real(0, 0.99),
            "target_rate": real(0.1, 1),
            "batch": whole(1, 9),
            "learning_rate": real(0.001, 1),
            "hidden": _HIDDEN,
            "steps": whole(1, 9),
            "seed": whole(0, 2**40),
        },
    ),
    Law(
        "tt_critic.as_batch",
        tt_critic.as_batch,
        {"transitions": _TRANSITIONS, "bounds": _BOUNDS, "device": choice("cpu")},
    ),
    Law(
        "tt_critic.draw_batch",
        tt_critic.draw_batch,
        {"batch": _BATCH, "size": small(1, 9), "generator": _GENERATORS},
    ),
    Law(
        "tt_critic.train_critic",
        _train,
        {
            "transitions": _TRANSITIONS,
            "bounds": _BOUNDS,
            "every": small(1, 4),
            "reports": small(1, 4),
            "device": choice("cpu"),
        },
    ),
    Law(
        "tt_critic.train_critics",
        _train_all,
        {
            "transitions": _TRANSITIONS,
            "seeds": options(
                *((3,), [0, 1]),
                odd=((), (1.5,), ("a",), (2**70,), (0, None)),
                types=(tuple, list),
            ),
            "bounds": _BOUNDS,
            "every": small(1, 4),
        },
    ),
    Law(
        "tt_critic.Critic.q",
        tiny.critic().q,
        {"observation": _SEEN, "action": _DONE},
        finite=False,
    ),
    Law("tt_critic.Critic.v", tiny.critic().v, {"observation": _SEEN}, finite=False),
    Law(
        "tt_critic.Critic.act", tiny.critic().act, {"observation": _SEEN}, finite=False
    ),
    Law(
        "tt_critic.Critic.advantage",
        tiny.critic().advantage,
        {"observation": _SEEN, "action": _DONE},
        finite=False,
    ),
    Law(
        "tt_critic.as_critic",
        tt_critic.as_critic,
        {"networks": _NETWORKS, "bounds": _BOUNDS},
    ),
    Law(
        "tt_critic.save",
        tt_critic.save,
        {
            "critic": just(lambda _: tiny.critic(), tt_critic.Critic),
            "path": paths("critic.safetensors"),
        },
        (ValueError, OSError),
    ),
    Law(
        "tt_critic.load",
        _load,
        {"path": paths("c.safetensors"), "device": choice("cpu")},
        (ValueError, OSError),
    ),
    Law(
        "tt_critic.Networks",
        lambda **sizes: Networks(**sizes).state_dict(),
        {
            "observation": small(1, 3),
            "action": small(1, 2),
            "hidden": _HIDDEN,
            "seed": whole(0, 9),
        },
    ),
    Law(
        "tt_critic.perceptron",
        lambda **sizes: tt_critic.perceptron(**sizes).state_dict(),
        {
            "inputs": small(1, 3),
            "hidden": _HIDDEN,
            "outputs": small(1, 2),
            "generator": _GENERATORS,
        },
    ),
    Law(
        "tt_critic.locomotion_rewards",
        tt_critic.locomotion_rewards,
        {
            "rewards": array(12),
            "ends": near(np.array(tiny.ENDS)),
        },
        finite=True,
    ),
    Law(
        "tt_critic.antmaze_rewards",
        tt_critic.antmaze_rewards,
        {"rewards": array(12)},
        finite=True,
    ),
    Law(
        "tt_critic.make_optimizers",
        lambda networks, config: bool(tt_critic.make_optimizers(networks, config)),
        {"networks": _NETWORKS, "config": _CONFIG},
    ),
    Law(
        "tt_critic.update",
        _update(tt_critic.update),
        {"batch": _BATCH, "networks": _NETWORKS, "config": _CONFIG},
    ),
    Law(
        "tt_critic.update_critic",
        _update(tt_critic.update_critic),
        {"batch": _BATCH, "networks": _NETWORKS, "config": _CONFIG},
    ),
]
