"""Draw ways to goals through a point maze."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Circle

from tt_bench.report import new_figure, save_figure
from tt_bench.studies.goals import REACHING
from tt_bench.tasks import MazeMap, walls

_WIDTH, _ABOVE_AND_BELOW = 1200, 120  # pixels
_WALL, _FREE = "#3a3a44", "white"
_COLOURS = 10


def draw_goals(
    found: Sequence[Mapping[str, Any]], maze: MazeMap, path: Path, *, title: str
) -> None:
    """Write one panel a method: the first ways of the first seed, one colour each.

    The rates above are means over all seeds.
    """
    aspect = len(maze.rows) / len(maze.rows[0])
    figure = new_figure(_WIDTH, round(_WIDTH / 2 * aspect) + _ABOVE_AND_BELOW)
    panels = figure.subplots(1, len(REACHING), sharex=True, sharey=True)
    for panel, (name, label) in zip(panels, REACHING.items(), strict=True):
        rate = np.mean([one[name]["success"] for one in found])
        tried = sum(len(one[name]["reached"]) for one in found)
        panel.set_title(f"{label}: {100 * rate:.0f} % of {tried} goals reached")
        _draw_walls(panel, maze)
        _draw_ways(panel, found[0][name], maze.radius)
        panel.set_xlabel("x [m]")
    panels[0].set_ylabel("y [m]")
    marks = panels[0].get_legend_handles_labels()
    figure.legend(*marks, loc="outside lower center", ncols=3)
    figure.suptitle(title)
    save_figure(figure, path)


def _draw_walls(panel: Axes, maze: MazeMap) -> None:
    ground = ListedColormap([_FREE, _WALL])
    panel.imshow(walls(maze, 1), ground, extent=maze.extent, interpolation="nearest")


def _draw_ways(panel: Axes, found: Mapping[str, Any], radius: float) -> None:
    for number, way in enumerate(found["ways"][:_COLOURS]):
        goal = found["goals"][number]
        x, y = np.array(way).T
        colour = f"C{number}"
        panel.plot(x, y, color=colour, linewidth=1.6)
        panel.plot(x[0], y[0], "o", color=colour, markersize=7)
        panel.plot(*goal, "*", color=colour, mec="black", markersize=14, zorder=4)
        panel.add_patch(Circle(goal, radius, fill=False, color=colour, zorder=3))
    for marker, label in (("o", "start"), ("*", "goal, reached within the circle")):
        panel.plot([], [], marker, color="grey", mec="black", label=label)
    panel.plot([], [], color="grey", label="way")
