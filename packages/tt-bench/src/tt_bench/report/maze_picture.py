"""Draw planned and executed ways through a maze over a map of values.

Axes: Y and X pixels of a map.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Circle, Patch
from numpy.typing import NDArray

from tt_bench.evaluation import Foreseen, Rollout
from tt_bench.report.figure import new_figure, save_figure
from tt_bench.tasks import MazeMap, walls

_WIDTH = 1200  # pixels
_SIDE = 170  # what the colour bar and the labels of the axes take
_ABOVE_AND_BELOW = 170  # what the titles, the legend and the labels take
_BORDER = 0.3  # of the outer wall that is shown, in cells
_PLANS = 16  # drawn of a rollout, the first included
_DARK, _BEST, _OTHERS, _DONE = "#3a3a44", "#ff2d55", "#ff9ecb", "white"
_UNKNOWN = "#8d8d99"  # free, without a value


def draw_maze(
    maze: MazeMap,
    values: NDArray[np.float32],
    rollouts: Mapping[str, Rollout],
    path: Path,
    *,
    title: str,
    values_name: str,
) -> None:
    """Write a PNG with one panel a rollout, side by side, all in the same colours.

    Args:
        maze: where the walls and the goal are.
        values: heat map [Y, X] of the whole maze, from its top left; NaN in walls
            and, drawn in another grey, wherever else it is not known.
        rollouts: by the names of their panels; observations begin with x and y.
        path: of the file.
        title: above all panels.
        values_name: what the colours mean.
    """
    figure = new_figure(_WIDTH, _height(maze, len(rollouts)))
    axes = figure.subplots(1, len(rollouts), sharex=True, sharey=True, squeeze=False)
    panels = list(axes[0])
    for panel, (name, rollout) in zip(panels, rollouts.items(), strict=True):
        image = _draw_values(panel, maze, values)
        _draw_rollout(panel, rollout)
        _draw_marks(panel, maze, rollout)
        panel.set_title(_caption(name, rollout))
        panel.set_xlabel("x [m]")
    panels[0].set_ylabel("y [m]")
    figure.colorbar(image, ax=panels, label=values_name)
    figure.legend(
        handles=list(_legend(panels, maze, values)),
        loc="outside lower center",
        ncols=7,
        facecolor=_DARK,
        labelcolor="white",
    )
    figure.suptitle(title, parse_math=False)
    save_figure(figure, path)


def _height(maze: MazeMap, panels: int) -> int:
    """Return the pixels that let the panels fill the width."""
    border = 2 * (1 - _BORDER)
    aspect = (len(maze.rows) - border) / (len(maze.rows[0]) - border)
    return round((_WIDTH - _SIDE) / panels * aspect) + _ABOVE_AND_BELOW


def _draw_values(axis: Axes, maze: MazeMap, values: NDArray[np.float32]) -> Any:
    """Colour what is known over the walls and the free rest."""
    ground = ListedColormap([_UNKNOWN, _DARK])
    axis.imshow(walls(maze, 1), ground, extent=maze.extent, interpolation="nearest")
    image = axis.imshow(np.ma.masked_invalid(values), extent=maze.extent)
    left, right, bottom, top = maze.extent
    cut = (1 - _BORDER) * maze.scale
    axis.set(xlim=(left + cut, right - cut), ylim=(bottom + cut, top - cut))
    return image


def _draw_rollout(axis: Axes, rollout: Rollout) -> None:
    """Draw the way that was executed, and plans that were made along it."""
    x, y = rollout.observations[:, :2].T
    axis.plot(x, y, "--", color=_DONE, linewidth=1.4, label="executed")
    every = max(1, -(-len(rollout.plans) // _PLANS))
    for plan in rollout.plans[::every]:
        _draw_plan(axis, plan)
    if rollout.plans:
        axis.plot([], [], color=_BEST, linewidth=2.2, label="best plan")
        axis.plot([], [], color=_OTHERS, linewidth=1.0, label="other beams")


def _draw_plan(axis: Axes, plan: Foreseen) -> None:
    """Draw the beams thin, then the best sequence over them."""
    for way in plan.observations[1:]:
        axis.plot(way[:, 0], way[:, 1], color=_OTHERS, linewidth=0.7)
    best = plan.observations[0]
    axis.plot(best[:, 0], best[:, 1], color=_BEST, linewidth=2.2)


def _draw_marks(axis: Axes, maze: MazeMap, rollout: Rollout) -> None:
    reach = Circle(maze.goal, maze.radius, fill=False, color=_DONE, linewidth=1.0)
    axis.add_patch(reach)
    axis.plot([], [], "o", ms=11, color="none", mec=_DONE, label="within the goal")
    start = rollout.observations[0, :2]
    for (x, y), marker, size, label in (
        (start, "o", 8, "start"),
        (maze.goal, "*", 16, "goal"),
    ):
        axis.plot(
            [x], [y], marker, ms=size, color=_DONE, mec="black", label=label, ls="none"
        )


def _legend(
    panels: Sequence[Axes], maze: MazeMap, values: NDArray[np.float32]
) -> Iterable[Any]:
    """Return what any panel shows, once, and the greys."""
    shown: dict[str, Any] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        shown |= dict(zip(labels, handles, strict=True))
    yield from shown.values()
    free = ~walls(maze, len(values) // len(maze.rows))
    if np.isnan(values[free]).any():
        yield Patch(facecolor=_UNKNOWN, edgecolor="white", label="not known")


def _caption(name: str, rollout: Rollout) -> str:
    earned = float(rollout.rewards.sum())
    return f"{name}: return {earned:.4g} in {len(rollout.rewards)} steps"
