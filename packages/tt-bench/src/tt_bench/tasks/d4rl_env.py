"""D4RL's own environments, of the old gym, for those who have its package working."""

import importlib
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from tt_bench.catalogue import D4rlEntry, d4rl_entries
from tt_bench.files import first_line

Observation = NDArray[np.float32]


class D4rlEnv(gymnasium.Env[Observation, NDArray[np.float32]]):
    """Play one of D4RL's environments by Gymnasium's rules.

    The old gym has one flag for the end of an episode: it is a truncation where the
    step's `info` has `TimeLimit.truncated`, else a termination.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, name: str, render_mode: str | None = None) -> None:
        """Make the environment.

        Args:
            name: D4RL's name, such as hopper-medium-v2.
            render_mode: None or "rgb_array".

        Raises:
            ValueError: if it is no name of D4RL's, or the package d4rl, or the gym it
                needs, can't be imported or doesn't have the environment.
        """
        if name not in d4rl_entries():  # the old gym imports MODULE of MODULE:NAME
            raise ValueError(f"expected one of D4RL's names, got {name!r}")
        self._old = _make(name)
        self.render_mode = render_mode
        self.observation_space = _box(self._old.observation_space)
        self.action_space = _box(self._old.action_space)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode, seeded where a seed is given; there are no options."""
        super().reset(seed=seed, options=options)
        if seed is not None:
            narrow = _narrow(seed)
            np.random.seed(narrow)  # D4RL's mazes draw their goals from it
            self._old.seed(narrow)
        return np.asarray(self._old.reset(), np.float32), {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Apply an action for one step."""
        observation, reward, done, info = self._old.step(action)
        truncated = bool(done and info.get("TimeLimit.truncated", False))
        terminated = bool(done) and not truncated
        seen = np.asarray(observation, np.float32)
        return seen, float(reward), terminated, truncated, info

    def render(self) -> Any:
        """Return a picture: uint8 [H, W, 3]."""
        return self._old.render(mode=self.render_mode)

    def close(self) -> None:
        """Release what the environment holds."""
        self._old.close()


def _narrow(seed: int) -> int:
    """Return a seed of 32 bits, which is all that the old generators take."""
    if seed < 2**32:
        return seed
    return int(np.random.SeedSequence(seed).generate_state(1)[0])


def _make(name: str) -> Any:
    try:
        gym = importlib.import_module("gym")
        importlib.import_module("d4rl")
        return gym.make(name)
    except Exception as error:  # mujoco_py fails in many ways
        raise ValueError(
            f"expected the package d4rl with its environment {name!r}, could not make "
            f"it ({first_line(error)}): install tt-bench[d4rl] and what D4RL's page "
            "asks for, or leave --env out to play in the nearest environment of today"
        ) from error


def _box(space: Any) -> Any:
    """Turn the old gym's box into Gymnasium's."""
    return gymnasium.spaces.Box(
        np.asarray(space.low, np.float32), np.asarray(space.high, np.float32)
    )


def _limit(entry: D4rlEntry) -> int | None:
    return entry.steps or gymnasium.spec(entry.env_id).max_episode_steps


def register_d4rl() -> None:
    """Register `d4rl/NAME` with Gymnasium for each of D4RL's datasets.

    One of them is `d4rl/hopper-medium-v2`; `gym` and `d4rl` are imported when it is
    made. Episodes have D4RL's time limit, where it is not that of the environment of
    today.
    """
    for name, entry in d4rl_entries().items():
        if f"d4rl/{name}" not in gymnasium.registry:
            gymnasium.register(
                f"d4rl/{name}",
                entry_point="tt_bench.tasks:D4rlEnv",
                max_episode_steps=_limit(entry),
                disable_env_checker=True,
                kwargs={"name": name},
            )
