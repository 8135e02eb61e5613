"""Figures for files alone: no window, no global state, and never half a file."""

import os
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_DPI = 100


def new_figure(width: int, height: int) -> Figure:
    """Make an empty figure, in pixels, whose parts keep clear of each other."""
    size = (width / _DPI, height / _DPI)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, whole or not at all, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        figure.savefig(partial, format="png", dpi=_DPI)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
