"""Ant mazes in the way of D4RL (arXiv 2004.07219): which cells ants start and go to."""

from collections.abc import Sequence
from functools import partial

from tt_bench.catalogue import REFERENCE_RETURNS
from tt_bench.data.source import Source
from tt_bench.tasks import (
    MAZES,
    AntDriver,
    Cell,
    D4rlStarts,
    Maze,
    WalkConfig,
    d4rl_antmaze_id,
    d4rl_maze,
    free_cells,
    turn_over,
)

_HOME = 0.1  # of the goals of a diverse set are in the cell of the task's, and more
# The cells that D4RL's generator marks as goals, by rows of its maps. In the medium
# maze it marks (6, 5), from where no ant comes to the goal of the task, in (6, 6).
_MARKED: dict[str, tuple[Cell, ...]] = {
    "medium": ((2, 6), (5, 1), (6, 6)),
    "large": ((1, 6), (3, 5), (3, 10), (5, 2), (7, 4), (7, 6), (7, 9)),
}


def _fixed(name: str) -> Source:
    maze = d4rl_maze(name)
    what = "from the start of the task to goals in the cell of its goal"
    return _source(f"{name}-v1", maze, what, starts=(), goals=(maze.goal,))


def _play(name: str) -> Source:
    maze, marked = d4rl_maze(name), _MARKED[name]
    goals = tuple(turn_over(maze, cell) for cell in marked)
    what = f"from random cells to goals in {len(goals)} cells picked by hand"
    starts = _cells_without(maze, goals)
    return _source(f"{name}-play-v0", maze, what, starts=starts, goals=goals)


def _diverse(name: str) -> Source:
    maze = d4rl_maze(name)
    what = "from random cells to random goals, one in ten in the cell of the task's"
    starts = _cells_without(maze, (maze.goal,))
    return _source(f"{name}-diverse-v0", maze, what, starts=starts, home=_HOME)


def _source(
    version: str,
    maze: Maze,
    what: str,
    *,
    starts: Sequence[Cell],
    goals: Sequence[Cell] | None = None,
    home: float = 0.0,
) -> Source:
    return Source(
        dataset_id=f"tt/antmaze/{version}",
        env_id=d4rl_antmaze_id(maze.name),
        behaviour=partial(AntDriver, maze, WalkConfig(home=home), goals=goals),
        expert=partial(AntDriver, maze, WalkConfig(noise=0.0), goals=(maze.goal,)),
        description=(
            f"D4RL's ant walked along waypoints, with noise, {what}; an ant that "
            "arrives is given another, rewards are for one fixed goal, and an episode "
            "ends there."
        ),
        transitions=1_000_000,
        pace=2_200.0,
        episode_steps=maze.steps,
        wrap=partial(D4rlStarts, maze=maze, cells=starts),
        reference=REFERENCE_RETURNS["antmaze"],
    )


def _cells_without(maze: Maze, left_out: Sequence[Cell]) -> tuple[Cell, ...]:
    cells = [(row, column) for row, column in free_cells(maze).tolist()]
    return tuple(cell for cell in cells if cell not in left_out)


ANT_SOURCES = (
    _fixed("umaze"),
    *(_play(name) for name in _MARKED),
    *(_diverse(name) for name in MAZES),
)
"""D4RL's six ant mazes: umaze, play and diverse."""
