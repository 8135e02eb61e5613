"""Ant mazes with one fixed goal: MuJoCo's ant, D4RL's task.

Importing this module registers `tt/AntMaze-{UMaze,Medium,Large}-v0` with Gymnasium, and
the same mazes as D4RL's files have them, `tt/AntMaze-{UMaze,Medium,Large}-D4RL-v2`.
"""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.envs.mujoco import ant_v5
from numpy.typing import ArrayLike, NDArray

from tt_bench.tasks.maze import (
    TITLES,
    Maze,
    cells_to_xy,
    check_free_cell,
    find_maze,
    in_goal,
    xy_to_cells,
)
from tt_bench.tasks.maze_model import maze_model

CELL = 4.0  # metres
OBSERVATION = 29
_NOISE = 0.1  # of a reset: uniform half-width of positions, deviation of speeds
_WALL_HEIGHT = 0.5  # cells
_STEPS = {"umaze": 700, "medium": 1000, "large": 1000}

Observation = NDArray[np.float32]


class AntMaze(gym.Env[Observation, NDArray[np.float32]]):
    """Walk an ant of 20 Hz through a maze to the goal, the middle of a fixed cell.

    The observation [29] is where the torso is, x and y in metres, and then the ant's
    own 27 numbers: height, quaternion w x y z, 8 joint angles, velocity, angular
    velocity, 8 joint speeds. The goal is not observed. The action [8] holds torques
    in [-1, 1], the physics are those of gymnasium-robotics' AntMaze.

    As in D4RL's antmaze an episode starts in the maze's start cell, far from the goal,
    with a little noise. The reward is 1 within 0.5 m of the goal after the step,
    where the episode terminates, else 0; falling over ends nothing.
    `reset(options={"cell": (row, column)})` chooses another first cell.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(self, maze: str, render_mode: str | None = None) -> None:
        """Build the simulation.

        Args:
            maze: "umaze", "medium" or "large".
            render_mode: None or "rgb_array".

        Raises:
            ValueError: if there is no such maze.
        """
        self.maze = find_maze(maze)
        self.side = CELL
        self.goal = cells_to_metres(self.maze, self.maze.goal)
        self.render_mode = render_mode
        self._ant = simulate_ant(self.maze, self.goal, render_mode)
        self.action_space = self._ant.action_space
        self.observation_space = gym.spaces.Box(
            -np.inf, np.inf, (OBSERVATION,), np.float32
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Place the ant in its first cell with a little noise.

        Raises:
            ValueError: if `options["cell"]` is not a free cell.
        """
        super().reset(seed=seed)
        chosen = (options or {}).get("cell")
        cell = check_free_cell(self.maze, self.maze.start if chosen is None else chosen)
        place_ant(self._ant, cells_to_metres(self.maze, cell), self.np_random)
        observation, success = observe_ant(self._ant, self.goal)
        return observation, {"success": success}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Apply torques for 50 ms."""
        self._ant.do_simulation(action, self._ant.frame_skip)
        observation, success = observe_ant(self._ant, self.goal)
        return observation, float(success), success, False, {"success": success}

    def render(self) -> Any:
        """Return the picture of the maze, the ant and the goal: uint8 [H, W, 3]."""
        return self._ant.render()

    def close(self) -> None:
        """Release the renderer."""
        self._ant.close()


def simulate_ant(maze: Maze, goal: NDArray[np.float64], render_mode: str | None) -> Any:
    """Build Gymnasium's ant in a maze of 4 m cells, with the goal [2] marked."""
    agent = Path(str(ant_v5.__file__)).parent / "assets" / "ant.xml"
    with maze_model(maze, agent, cell=CELL, height=_WALL_HEIGHT) as model:
        ant = ant_v5.AntEnv(
            xml_file=model,
            render_mode=render_mode,
            include_cfrc_ext_in_observation=False,
            default_camera_config={"distance": 1.5 * CELL * len(maze.rows)},
        )
    ant.model.site("target").pos = [*goal, _WALL_HEIGHT * CELL / 2]
    return ant


def place_ant(
    ant: Any, place: NDArray[np.float64], generator: np.random.Generator
) -> None:
    """Stand an ant at a place [2], with a reset's noise on its state and speeds."""
    position = ant.init_qpos.copy()
    position[:2] = place
    position += generator.uniform(-_NOISE, _NOISE, len(position))
    speed = generator.normal(0.0, _NOISE, len(ant.init_qvel))
    ant.reset()
    ant.set_state(position, speed)


def observe_ant(
    ant: Any, goal: ArrayLike, origin: ArrayLike = 0.0
) -> tuple[Observation, bool]:
    """Return an ant's numbers [29], and whether it is in the goal [2].

    Both places are relative to `origin` [2] of the simulation.
    """
    place = ant.data.qpos[:2] - origin
    parts = [place, ant.data.qpos[2:], ant.data.qvel]
    observation: Observation = np.concatenate(parts, dtype=np.float32)
    return observation, bool(in_goal(place, goal))


def cells_to_metres(maze: Maze, cells: ArrayLike) -> NDArray[np.float64]:
    """Return the middle of each cell: [..., 2] (row, column) to [..., 2] (x, y)."""
    return CELL * cells_to_xy(maze, cells)


def metres_to_cells(maze: Maze, places: ArrayLike) -> NDArray[np.int64]:
    """Return the cell of each place: [..., 2] (x, y) to [..., 2] (row, column)."""
    return xy_to_cells(maze, np.asarray(places) / CELL)


def antmaze_id(maze: str) -> str:
    """Return the Gymnasium id of a maze's task, such as `tt/AntMaze-UMaze-v0`."""
    return f"tt/AntMaze-{TITLES[maze]}-v0"


def d4rl_antmaze_id(maze: str) -> str:
    """Return the id of the same task with D4RL's ant, in its plane."""
    return f"tt/AntMaze-{TITLES[maze]}-D4RL-v2"


def antmaze_steps(maze: str) -> int:
    """Return the time limit of a maze's task."""
    return _STEPS[maze]


def _register() -> None:
    for maze in TITLES:
        for env_id, entry_point in (
            (antmaze_id(maze), "tt_bench.tasks:AntMaze"),
            (d4rl_antmaze_id(maze), "tt_bench.tasks:D4rlAntMaze"),
        ):
            gym.register(
                env_id,
                entry_point=entry_point,
                max_episode_steps=antmaze_steps(maze),
                disable_env_checker=True,
                kwargs={"maze": maze},
            )


_register()
