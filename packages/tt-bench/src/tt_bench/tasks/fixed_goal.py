"""Mazes of gymnasium-robotics with a goal that stays where it is."""

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray


class FixedGoal(gym.Wrapper[dict[str, Any], Any, dict[str, Any], Any]):
    """Put the goal of a maze into the same place in every episode.

    Otherwise it is drawn within a quarter of a cell around the middle of its cell.
    """

    def __init__(self, env: gym.Env[Any, Any], goal: NDArray[np.float64]) -> None:
        """Wrap a maze of gymnasium-robotics; the goal is [2]."""
        super().__init__(env)
        self._goal = goal

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode, and put the goal into its place."""
        observation, info = self.env.reset(seed=seed, options=options)
        maze: Any = self.unwrapped
        maze.goal = self._goal.copy()
        maze.update_target_site_pos()
        return {**observation, "desired_goal": self._goal.copy()}, info


def single_goal(env: gym.Env[Any, Any]) -> NDArray[np.float64]:
    """Return the middle [2] of the one cell in which a maze has its goals.

    Raises:
        ValueError: if it is no maze of gymnasium-robotics, or has several such cells.
    """
    places = getattr(
        getattr(env.unwrapped, "maze", None), "unique_goal_locations", None
    )
    name = env.spec.id if env.spec else env
    if places is None:
        raise ValueError(
            "expected a goal to fix in one of the mazes of gymnasium-robotics, got "
            f"{name}: leave --goal out, or observe it"
        )
    if len(places) != 1:
        raise ValueError(
            f"expected a maze that is evaluated for one goal, {name} has {len(places)} "
            "cells for it: use --goal observed, or name a maze whose map has one 'g' "
            "with --env"
        )
    return np.array(places[0], np.float64)
