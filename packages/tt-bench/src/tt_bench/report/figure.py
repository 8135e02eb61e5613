"""Figures for files alone: no window, no global state, and never half a file."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tt_bench.files import written_whole

_DPI = 100


def new_figure(width: int, height: int) -> Figure:
    """Make an empty figure, in pixels, whose parts keep clear of each other."""
    size = (width / _DPI, height / _DPI)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, whole or not at all, making its folder."""
    with written_whole(path) as partial:
        figure.savefig(partial, format="png", dpi=_DPI)
