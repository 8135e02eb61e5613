"""Ant mazes as D4RL's files have them: its coordinates, its ant, its goals.

The figures are those of D4RL (arXiv 2004.07219), version 2.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tt_bench.tasks.ant_maze import (
    CELL,
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
GOAL_SHIFTS = (1.0, 0.5)
"""Largest of the uniform draws that move a goal from the middle of its cell, metres."""
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
    `reset(options={"start": (x, y), "goal": (x, y)})` puts either elsewhere.

    Attributes:
        maze: the map, its rows as they lie in the plane.
        side: of a cell, metres.
        middle: of the map, [2].
        goal: of this episode, [2].
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
        self.maze, self.side = d4rl_maze(maze), CELL
        self._origin = cells_to_metres(self.maze, self.maze.start)
        self._goal_cell = cells_to_plane(self.maze, self.maze.goal)
        self.middle, self.goal = -self._origin, self._goal_cell
        self.render_mode = render_mode
        self._ant = simulate_ant(self.maze, self.goal + self._origin, render_mode)
        _weaken(self._ant.model)
        self.action_space = self._ant.action_space
        self.observation_space = gym.spaces.Box(
            -np.inf, np.inf, (OBSERVATION,), np.float32
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Place the ant near the origin and draw a goal, unless options say where."""
        super().reset(seed=seed, options=options)
        chosen = options or {}
        shifts = [self.np_random.uniform(0.0, most, 2) for most in GOAL_SHIFTS]
        drawn = np.maximum(self._goal_cell + np.sum(shifts, axis=0), 0.0)
        self.goal = np.asarray(chosen.get("goal", drawn), np.float64)
        self._ant.model.site("target").pos[:2] = self.goal + self._origin
        start = np.asarray(chosen.get("start", (0.0, 0.0)), np.float64)
        place_ant(self._ant, start + self._origin, self.np_random)
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


def d4rl_maze(name: str) -> Maze:
    """Return a maze as it lies in D4RL's plane: the last row of D4RL's map on top.

    Raises:
        ValueError: if there is no such maze.
    """
    maze = find_maze(name)
    return Maze(
        name=maze.name,
        rows=maze.rows[::-1],
        start=turn_over(maze, _START),
        goal=turn_over(maze, _GOALS[maze.name]),
        steps=antmaze_steps(maze.name),
    )


def turn_over(maze: Maze, cell: Cell) -> Cell:
    """Return where a cell of D4RL's map lies in `d4rl_maze`, as y points down there."""
    return len(maze.rows) - 1 - cell[0], cell[1]


def cells_to_plane(maze: Maze, cells: ArrayLike) -> NDArray[np.float64]:
    """Return the middle of cells of `d4rl_maze` from its start: [..., 2] (x, y)."""
    return cells_to_metres(maze, cells) - cells_to_metres(maze, maze.start)


def usual_goal(maze: Maze) -> NDArray[np.float64]:
    """Return the mean of the goals that are drawn in `d4rl_maze`: [2]."""
    return cells_to_plane(maze, maze.goal) + sum(GOAL_SHIFTS) / 2


def _weaken(model: Any) -> None:
    """Make Gymnasium's ant, which has the same body, D4RL's."""
    model.opt.timestep = _TIMESTEP
    model.actuator_gear[:, 0] = _TORQUE
    model.geom_solimp[:, :3] = _CONTACT
