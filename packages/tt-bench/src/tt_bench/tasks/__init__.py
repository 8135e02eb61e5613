"""Environments by id, and the mazes made here: walls, physics, starts, drivers."""

from tt_bench.tasks.ant_driver import AntDriver, WalkConfig
from tt_bench.tasks.ant_maze import (
    OBSERVATION,
    AntMaze,
    antmaze_id,
    cells_to_metres,
    d4rl_antmaze_id,
)
from tt_bench.tasks.d4rl_ant_maze import D4rlAntMaze, d4rl_maze, turn_over
from tt_bench.tasks.d4rl_env import D4rlEnv
from tt_bench.tasks.d4rl_starts import D4rlStarts
from tt_bench.tasks.environments import (
    ant_maze_size,
    explained,
    find_environment,
    is_ant_maze,
    make_environment,
)
from tt_bench.tasks.fixed_goal import FixedGoal, single_goal
from tt_bench.tasks.half_ways import HalfWays
from tt_bench.tasks.known_environments import find_known_environment, refuse_unknown
from tt_bench.tasks.maze import (
    FOUR_ROOMS,
    MAZES,
    SUCCESS_RADIUS,
    Cell,
    Maze,
    find_maze,
    free_cells,
    in_goal,
    xy_to_cells,
)
from tt_bench.tasks.maze_map import MazeMap, grid, open_maze, visited, walls
from tt_bench.tasks.pendulum_driver import PendulumDriver, SwingConfig
from tt_bench.tasks.point_driver import DriveConfig, WaypointDriver
from tt_bench.tasks.point_maze import (
    FOUR_ROOMS_ID,
    PointMaze,
    maze_id,
    pointmaze_steps,
)
from tt_bench.tasks.raw_rewards import on_raw_rewards
from tt_bench.tasks.robotics import import_robotics
from tt_bench.tasks.seen_goals import (
    GOAL,
    SeenGoal,
    Wandering,
    ending_maze,
    unseen_pairs,
)

__all__ = [
    "FOUR_ROOMS",
    "FOUR_ROOMS_ID",
    "GOAL",
    "MAZES",
    "OBSERVATION",
    "SUCCESS_RADIUS",
    "AntDriver",
    "AntMaze",
    "Cell",
    "D4rlAntMaze",
    "D4rlEnv",
    "D4rlStarts",
    "DriveConfig",
    "FixedGoal",
    "HalfWays",
    "Maze",
    "MazeMap",
    "PendulumDriver",
    "PointMaze",
    "SeenGoal",
    "SwingConfig",
    "WalkConfig",
    "Wandering",
    "WaypointDriver",
    "ant_maze_size",
    "antmaze_id",
    "cells_to_metres",
    "d4rl_antmaze_id",
    "d4rl_maze",
    "ending_maze",
    "explained",
    "find_environment",
    "find_known_environment",
    "find_maze",
    "free_cells",
    "grid",
    "import_robotics",
    "in_goal",
    "is_ant_maze",
    "make_environment",
    "maze_id",
    "on_raw_rewards",
    "open_maze",
    "pointmaze_steps",
    "refuse_unknown",
    "single_goal",
    "turn_over",
    "unseen_pairs",
    "visited",
    "walls",
    "xy_to_cells",
]
