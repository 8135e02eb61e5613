"""Write MuJoCo models of an agent between the walls of a maze."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from tt_bench.tasks.maze import Maze
from tt_bench.tasks.robotics import import_robotics


@contextmanager
def maze_model(maze: Maze, agent: Path, cell: float, height: float) -> Iterator[str]:
    """Write gymnasium-robotics' model of a maze for as long as it takes to load it.

    Args:
        maze: where the walls are.
        agent: the agent's own model, an XML file.
        cell: width of a cell, metres.
        height: of the walls, in cells.
    """
    mazes = import_robotics("gymnasium_robotics.envs.maze.maze_v4")
    walls = [[int(square == "#") for square in row] for row in maze.rows]
    _, model = mazes.Maze.make_maze(str(agent), walls, cell, height)
    try:
        _shrink_textures(model)
        yield model
    finally:
        Path(model).unlink()


def _shrink_textures(model: str) -> None:
    """Make the sky coarse: it is 98 % of the time to load the model."""
    tree = ElementTree.parse(model)
    for texture in tree.iter("texture"):
        texture.set("width", "64")
        texture.set("height", "64")
    tree.write(model)
