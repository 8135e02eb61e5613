"""Ant mazes as D4RL's files have them: its coordinates, its ant, its goals.

The figures are those of D4RL (arXiv 2004.07219), version 2.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from tt_bench.tasks.ant_maze import (
    OBSERVATION,
    Observation,
    antmaze_steps,
    cells_to_metres,
    observe_ant,
    place_ant,
    simulate_ant,
)
from tt_bench.tasks.maze import Cell, Maze, find_maze

_START = (1, 1)
_GOALS: Mapping[str, Cell] = MappingProxyType(
    {"umaze": (3, 1), "medium": (6, 6), "large": (7, 9)}
)
_GOAL_SHIFT = (1.0, 0.5)  # metres: uniform up to each, added, on either axis
_TIMESTEP = 0.02  # seconds, 5 to an action
_TORQUE = 30.0  # newton metres of an action of 1
_CONTACT = (0.8, 0.8, 0.01)  # MuJoCo's solimp, up to its width


class D4rlAntMaze(gym.Env[Observation, NDArray[np.float32]]):
    """Walk an ant of 10 Hz through a maze to a goal near the middle of a fixed cell.

    The plane is D4RL's: the start is the origin, x grows with the column of the map and
    y with its row, which makes it the mirror image of `AntMaze`. D4RL's ant is weaker
    and slower as well: an action of 1 is 30 N m, not 150, and lasts 0.1 s, not 0.05.
    Data of the one are of no use in the other.

    The observation [29] is the torso's x and y in metres and then the ant's own 27
    numbers, as in `AntMaze`. A new goal is drawn at each reset, up to 1.5 m from the
    middle of the goal's cell on either axis, and not observed. The reward is 1 within
    0.5 m of it after the step, where the episode terminates, else 0.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, maze: str, render_mode: str | None = None) -> None:
        """Build the simulation.

        Args:
            maze: "umaze", "medium" or "large".
            render_mode: None or "rgb_array".

        Raises:
            ValueError: if there is no such maze.
        """
        self._maze = _turn_over(find_maze(maze))
        self._origin = cells_to_metres(self._maze, self._maze.start)
        self._goal_cell = cells_to_metres(self._maze, self._maze.goal) - self._origin
        self.goal = self._goal_cell
        self.render_mode = render_mode
        self._ant = simulate_ant(self._maze, self.goal + self._origin, render_mode)
        _weaken(self._ant.model)
        self.action_space = self._ant.action_space
        self.observation_space = gym.spaces.Box(
            -np.inf, np.inf, (OBSERVATION,), np.float32
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Place the ant near the origin and draw a goal; there are no options."""
        super().reset(seed=seed, options=options)
        shifts = [self.np_random.uniform(0.0, most, 2) for most in _GOAL_SHIFT]
        self.goal = np.maximum(self._goal_cell + np.sum(shifts, axis=0), 0.0)
        self._ant.model.site("target").pos[:2] = self.goal + self._origin
        place_ant(self._ant, self._origin, self.np_random)
        observation, success = observe_ant(self._ant, self.goal, self._origin)
        return observation, {"success": success}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Apply torques for 0.1 s."""
        self._ant.do_simulation(np.clip(action, -1.0, 1.0), self._ant.frame_skip)
        observation, success = observe_ant(self._ant, self.goal, self._origin)
        return observation, float(success), success, False, {"success": success}

    def render(self) -> Any:
        """Return the picture of the maze, the ant and the goal: uint8 [H, W, 3]."""
        return self._ant.render()

    def close(self) -> None:
        """Release the renderer."""
        self._ant.close()


def _turn_over(maze: Maze) -> Maze:
    """Put the last row of D4RL's map on top, as its y points down the map."""
    last = len(maze.rows) - 1
    goal = _GOALS[maze.name]
    return Maze(
        name=maze.name,
        rows=maze.rows[::-1],
        start=(last - _START[0], _START[1]),
        goal=(last - goal[0], goal[1]),
        steps=antmaze_steps(maze.name),
    )


def _weaken(model: Any) -> None:
    """Make Gymnasium's ant, which has the same body, D4RL's."""
    model.opt.timestep = _TIMESTEP
    model.actuator_gear[:, 0] = _TORQUE
    model.geom_solimp[:, :3] = _CONTACT
