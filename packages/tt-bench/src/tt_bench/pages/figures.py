"""Figures of a report, as SVG."""

import io
from collections.abc import Callable, Mapping, Sequence

import attrs
import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from tt_bench.pages.aggregates import STATISTICS
from tt_bench.pages.curves import PARTS, RETURN, SCORE, Curve, Point
from tt_bench.pages.document import Figure, Spread
from tt_bench.report import new_figure
from tt_bench.results import Estimate

_WIDTH, _HEIGHT = 1000, 330  # pixels
_ROW, _FRAME = 26, 90
_STRONG = 10  # colours
_NATS = (
    "A line a training seed: the mean negative log-likelihood of a token, in nats, of "
    "episodes that were held out. Lower is better."
)
_SCORES = (
    "A line a training seed: the mean of the run's episodes, played with what was "
    "trained until then; its band is an interval over those episodes, not over seeds."
)


def draw_intervals(name: str, title: str, rows: Mapping[str, Spread]) -> Figure:
    """Draw a dot and an interval a row."""
    drawing = new_figure(_WIDTH, _FRAME + _ROW * len(rows))
    _draw_rows(drawing.subplots(), rows)
    return _finish(drawing, name, title)


def draw_statistics(estimates: Mapping[str, Mapping[str, Estimate]]) -> Figure:
    """Draw the intervals of each statistic side by side."""
    drawing = new_figure(_WIDTH, _FRAME + _ROW * len(estimates))
    panels = drawing.subplots(1, len(STATISTICS), sharey=True, squeeze=False)[0]
    for panel, name in zip(panels, STATISTICS, strict=True):
        rows = {
            method: Spread(*(float(part) for part in found[name]))
            for method, found in estimates.items()
        }
        _draw_rows(panel, rows)
        panel.set_title(name)
    return _finish(drawing, "intervals", "Statistics over all datasets")


def _draw_rows(axis: Axes, rows: Mapping[str, Spread]) -> None:
    places = np.arange(len(rows))
    axis.use_sticky_edges = False  # a bar that ends at the frame would look cut off
    for place, spread in zip(places, rows.values(), strict=True):
        colour = _colour(int(place))
        if spread.low == spread.low:
            axis.barh(
                place,
                spread.high - spread.low,
                0.5,
                spread.low,
                color=colour,
                alpha=0.35,
            )
        axis.plot([spread.value], [place], "o", color=colour, ms=5)
    axis.set_yticks(places, [drawable(label) for label in rows])
    for text in axis.get_yticklabels():
        text.set_parse_math(False)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.grid(axis="x", alpha=0.3)


def draw_profiles(
    thresholds: NDArray[np.float64], profiles: Mapping[str, Estimate]
) -> Figure:
    """Draw the share of runs above each score, with intervals."""
    drawing = new_figure(_WIDTH, _HEIGHT)
    axis = drawing.subplots()
    for number, profile in enumerate(profiles.values()):
        axis.plot(
            thresholds, profile.value, color=_colour(number), drawstyle="steps-post"
        )
        axis.fill_between(
            thresholds,
            profile.low,
            profile.high,
            color=_colour(number),
            alpha=0.15,
            step="post",
        )
    axis.set(xlabel="score", ylabel="share of runs above it", ylim=(-0.02, 1.02))
    axis.grid(alpha=0.3)
    _legend(drawing, profiles)
    return _finish(drawing, "profile", "Performance profile")


def draw_curves(name: str, title: str, curves: Sequence[Curve]) -> list[Figure]:
    """Draw nats of each part, and scores if there are any, by steps and by minutes."""
    nats = [part for part in PARTS if _any(curves, part)]
    scored = next((n for n in (SCORE, RETURN) if _any(curves, n)), "")
    made = []
    for panels, what, note in (
        (nats, "held-out nats", _NATS),
        ([scored] if scored else [], f"{scored} on the way", _SCORES),
    ):
        if panels:
            having = [c for c in curves if any(_any([c], panel) for panel in panels)]
            drawing = _draw_panels(panels, what, having)
            file = f"{name}-{what.replace(' ', '-')}"
            figure = _finish(drawing, file, f"{what.capitalize()}: {title}")
            made.append(attrs.evolve(figure, note=note))
    return made


def _any(curves: Sequence[Curve], name: str) -> bool:
    return any(name in point.values for curve in curves for point in curve.points)


def _draw_panels(panels: Sequence[str], what: str, curves: Sequence[Curve]) -> Drawing:
    """Draw a column a panel: above by steps, below by minutes."""
    drawing = new_figure(_WIDTH, 2 * _HEIGHT)
    grid = drawing.subplots(2, len(panels), squeeze=False)
    labels = list(dict.fromkeys(curve.label for curve in curves))
    for axes, unit, along in zip(grid, ("steps", "minutes"), _ALONG, strict=True):
        for axis, part in zip(axes, panels, strict=True):
            for curve in curves:
                _draw_curve(
                    axis, curve, part, along, _colour(labels.index(curve.label))
                )
            axis.set(xlabel=unit, title=part if len(panels) > 1 else "")
            axis.grid(alpha=0.3)
        axes[0].set_ylabel(what)
    _legend(drawing, labels)
    return drawing


_ALONG: tuple[Callable[[Point], float], ...] = (lambda p: p.step, lambda p: p.minutes)


def _draw_curve(
    axis: Axes, curve: Curve, part: str, along: Callable[[Point], float], colour: object
) -> None:
    points = [point for point in curve.points if part in point.values]
    x, y = [along(point) for point in points], [point.values[part] for point in points]
    axis.plot(x, y, color=colour, marker="o", ms=2.5, linewidth=1.2, alpha=0.8)
    ends = [f"{part}_low", f"{part}_high"]
    if all(end in point.values for point in points for end in ends):
        low, high = ([point.values[end] for point in points] for end in ends)
        axis.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)


def _legend(drawing: Drawing, labels: Sequence[str] | Mapping[str, object]) -> None:
    """Name the colours below; a label that begins with _ would be left out."""
    handles = [
        drawing.axes[0].plot([], [], color=_colour(number))[0]
        for number in range(len(labels))
    ]
    texts = [drawable(label).replace("_", "-") for label in labels]
    legend = drawing.legend(
        handles, texts, loc="outside lower center", ncols=min(5, max(1, len(texts)))
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def drawable(text: str) -> str:
    """Keep what the figures' font has; the rest becomes question marks."""
    return text[:60].encode("latin-1", "replace").decode("latin-1")


def _colour(number: int) -> tuple[float, float, float, float]:
    """Return one of twenty colours, the strong ones first."""
    pale, place = divmod(number % (2 * _STRONG), _STRONG)
    red, green, blue, opaque = colormaps["tab20"](2 * place + pale)
    return red, green, blue, opaque


def _finish(drawing: Drawing, name: str, title: str) -> Figure:
    """Write a drawing as SVG, the same bytes for the same drawing."""
    made = io.BytesIO()
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        drawing.savefig(made, format="svg", metadata={"Date": None})
    return Figure(name, title, made.getvalue())
