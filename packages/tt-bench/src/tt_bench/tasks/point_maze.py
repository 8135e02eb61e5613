"""Point mazes with one fixed goal: MuJoCo's point, D4RL's task.

Importing this module registers `tt/PointMaze-{UMaze,Medium,Large}-v0`, the
goal-terminating `tt/PointMaze-{UMaze,Medium,Large}-Sparse-v0` and `tt/FourRooms-v0`,
which terminates as well, with Gymnasium.
"""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from tt_bench.tasks.maze import (
    FOUR_ROOMS,
    TITLES,
    Maze,
    cells_to_xy,
    check_free_cell,
    draw_start,
    find_maze,
    in_goal,
)
from tt_bench.tasks.maze_model import maze_model
from tt_bench.tasks.robotics import import_robotics

TASK_REPEATS = 5  # of an action, in the task that terminates
_NOISE = 0.1  # of a reset: uniform half-width of the position, deviation of the speed
_LENIENCE = 2  # the task that terminates has so many times the time of the other
_SPEED_BOUND = 10.0  # the simulation clips speeds to 5 before each step
_WALL_HEIGHT = 0.4

Observation = NDArray[np.float32]


class PointMaze(gym.Env[Observation, NDArray[np.float32]]):
    """Drive a point through a maze to the goal, the middle of a fixed cell.

    The observation is [x, y, velocity x, velocity y], the action a force in
    [-1, 1] along x and y that lasts 0.01 s, the physics those of gymnasium-robotics'
    PointMaze. The reward is 1 within 0.5 of the goal after the step, else 0.

    As in D4RL's maze2d an episode starts in a random free cell and never terminates;
    unlike there it doesn't start in the cell of the goal, where doing nothing scores
    best. With `terminate` it starts in the maze's start cell, far from the goal,
    terminates in the goal, and an action lasts 0.05 s.
    `reset(options={"cell": (row, column)})` chooses the first cell, "goal" that of the
    goal.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 100}  # noqa: RUF012

    def __init__(
        self, maze: str, terminate: bool = False, render_mode: str | None = None
    ) -> None:
        """Build the simulation.

        Args:
            maze: "umaze", "medium", "large" or "fourrooms".
            terminate: end the episode in the goal and start far from it.
            render_mode: None or "rgb_array".

        Raises:
            ValueError: if there is no such maze.
        """
        self.maze = find_maze(maze)
        self.goal = cells_to_xy(self.maze, self.maze.goal)
        self.terminate = terminate
        self.render_mode = render_mode
        self._point = _simulate(self.maze, self.goal, render_mode)
        self.action_space = self._point.action_space
        self.observation_space = _bounds(self.maze)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Place the point in its first cell with a little noise.

        Raises:
            ValueError: if `options["cell"]` or `options["goal"]` is not a free cell.
        """
        super().reset(seed=seed)
        chosen = options or {}
        cell = self._first_cell(chosen.get("cell"))
        goal = check_free_cell(self.maze, chosen.get("goal", self.maze.goal))
        self.goal = _mark_goal(self._point, cells_to_xy(self.maze, goal))
        noise = self.np_random.uniform(-_NOISE, _NOISE, 2)
        speed = self.np_random.normal(0.0, _NOISE, 2)
        self._point.reset()
        self._point.set_state(cells_to_xy(self.maze, cell) + noise, speed)
        observation, success = self._observe()
        return observation, {"success": success}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Apply a force for the time that an action lasts."""
        for _ in range(TASK_REPEATS if self.terminate else 1):
            self._point.step(action)
        observation, success = self._observe()
        terminated = success and self.terminate
        return observation, float(success), terminated, False, {"success": success}

    def render(self) -> Any:
        """Return the picture of the maze, the point and the goal: uint8 [H, W, 3]."""
        return self._point.render()

    def close(self) -> None:
        """Release the renderer."""
        self._point.close()

    def _first_cell(self, chosen: Any) -> NDArray[np.int64]:
        if chosen is not None:
            return check_free_cell(self.maze, chosen)
        if self.terminate:
            return np.array(self.maze.start)
        return draw_start(self.maze, self.np_random)

    def _observe(self) -> tuple[Observation, bool]:
        position, speed = self._point.data.qpos, self._point.data.qvel
        observation = np.concatenate([position, speed], dtype=np.float32)
        return observation, bool(in_goal(position, self.goal))


def _bounds(maze: Maze) -> gym.Space[Observation]:
    sides = [len(maze.rows[0]) / 2, len(maze.rows) / 2]
    high = np.array([*sides, _SPEED_BOUND, _SPEED_BOUND], np.float32)
    return gym.spaces.Box(-high, high, dtype=np.float32)


def _simulate(maze: Maze, goal: NDArray[np.float64], render_mode: str | None) -> Any:
    """Build gymnasium-robotics' point in the maze, with the goal marked."""
    points = import_robotics("gymnasium_robotics.envs.maze.point")
    agent = Path(str(points.__file__)).parents[1] / "assets" / "point" / "point.xml"
    with maze_model(maze, agent, cell=1.0, height=_WALL_HEIGHT) as model:
        point = points.PointEnv(
            xml_file=model,
            render_mode=render_mode,
            default_camera_config={"distance": 1.5 * len(maze.rows)},
        )
    _mark_goal(point, goal)
    return point


def _mark_goal(point: Any, goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Show where the goal is, and return it."""
    point.model.site("target").pos = [*goal, _WALL_HEIGHT / 2]
    return goal


def maze_id(maze: str, terminate: bool = False) -> str:
    """Return the Gymnasium id of a maze's task, such as `tt/PointMaze-UMaze-v0`."""
    return f"tt/PointMaze-{TITLES[maze]}{'-Sparse' if terminate else ''}-v0"


def pointmaze_steps(maze: str, terminate: bool = False) -> int:
    """Return the time limit of a maze's task, in steps."""
    steps = find_maze(maze).steps
    return steps * _LENIENCE // TASK_REPEATS if terminate else steps


FOUR_ROOMS_ID = "tt/FourRooms-v0"


def _register() -> None:
    for maze in TITLES:
        for terminate in (False, True):
            _register_task(maze_id(maze, terminate), maze, terminate)
    _register_task(FOUR_ROOMS_ID, FOUR_ROOMS.name, terminate=True)


def _register_task(env_id: str, maze: str, terminate: bool) -> None:
    gym.register(
        env_id,
        entry_point="tt_bench.tasks:PointMaze",
        max_episode_steps=pointmaze_steps(maze, terminate),
        disable_env_checker=True,
        kwargs={"maze": maze, "terminate": terminate},
    )


_register()
