"""Environments on their raw rewards, which is what scores are of."""

import logging
from functools import cache
from typing import Any

import gymnasium as gym
from gymnasium.wrappers import ClipReward, NormalizeReward

_CHANGING = (NormalizeReward, ClipReward)
_LOGGER = logging.getLogger(__name__)


def on_raw_rewards(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """Take wrappers that make rewards easier to learn from out of an environment.

    A normalised reward depends on what was played before, so that its sum scores
    nothing. What is left out is logged, once for each environment.
    """
    found: list[str] = []
    outer = _without(env, found)
    inner = outer
    while isinstance(inner, gym.Wrapper):
        inner.env = _without(inner.env, found)
        inner = inner.env
    if found:
        _tell(outer.spec.id if outer.spec else str(outer), ", ".join(found))
    return outer


def _without(env: gym.Env[Any, Any], found: list[str]) -> gym.Env[Any, Any]:
    while isinstance(env, _CHANGING):
        found.append(type(env).__name__)
        env = env.env
    return env


@cache
def _tell(env_id: str, names: str) -> None:
    _LOGGER.warning("%s is played on raw rewards, without %s", env_id, names)
