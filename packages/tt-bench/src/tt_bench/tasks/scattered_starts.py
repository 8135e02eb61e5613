"""Collect in an ant maze from everywhere, and give ants up that can't go on."""

from typing import Any

import gymnasium as gym
import numpy as np

from tt_bench.interface import FloatArray
from tt_bench.tasks.maze import Maze, draw_start

_PATIENCE = 100  # steps
_STIR = 0.5  # metres


class ScatteredStarts(gym.Wrapper[FloatArray, FloatArray, FloatArray, FloatArray]):
    """Start an ant maze anywhere but in the goal, and truncate when the ant is stuck.

    An ant is stuck when it has stayed within 0.5 m for 100 steps. One that turns over
    lies there that long: the data must show that nothing follows from it. Episodes that
    were cut at once left a critic to guess what lying on the back is worth, and it
    guessed what it knew from walking.
    """

    def __init__(self, env: gym.Env[FloatArray, FloatArray], maze: Maze) -> None:
        """Wrap an ant maze."""
        super().__init__(env)
        self._maze = maze

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[FloatArray, dict[str, Any]]:
        """Begin in a random free cell other than the goal."""
        cell = draw_start(self._maze, np.random.default_rng(seed))
        observation, info = self.env.reset(
            seed=seed, options={**(options or {}), "cell": cell}
        )
        self._anchor, self._rest = observation[:2], 0
        return observation, info

    def step(
        self, action: FloatArray
    ) -> tuple[FloatArray, float, bool, bool, dict[str, Any]]:
        """Step, and cut the episode of an ant that doesn't go on."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        stuck = self._is_stuck(observation[:2])
        return observation, float(reward), terminated, truncated or stuck, info

    def _is_stuck(self, place: FloatArray) -> bool:
        self._rest += 1
        if np.hypot(*(place - self._anchor)) > _STIR:
            self._anchor, self._rest = place, 0
        return self._rest >= _PATIENCE
