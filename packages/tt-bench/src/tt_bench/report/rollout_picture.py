"""Draw plans over what happened, against time.

Axes: T steps, H planned transitions.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tt_bench.evaluation import Foreseen, Rollout
from tt_bench.interface import FloatArray
from tt_bench.report.figure import new_figure, save_figure

_WIDTH, _PANEL, _ABOVE_AND_BELOW = 1200, 170, 110  # pixels
_DONE = "#3a3a44"
_FIRST = 3  # observation numbers drawn where nothing is known of them
_HEIGHT, _ANGLE, _FORWARD = "height [m]", "angle [rad]", "forward velocity [m/s]"

NUMBERS: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "Hopper-": {_HEIGHT: 0, _ANGLE: 1, _FORWARD: 5},
        "Walker2d-": {_HEIGHT: 0, _ANGLE: 1, _FORWARD: 8},
        "HalfCheetah-": {_HEIGHT: 0, _ANGLE: 1, _FORWARD: 8},
        "Ant-": {_HEIGHT: 0, _FORWARD: 13, "sideways velocity [m/s]": 14},
        "Pendulum-": {"cosine": 0, "sine": 1, "angular velocity [rad/s]": 2},
        "Maze": {"x [m]": 0, "y [m]": 1},
    }
)
"""Which numbers of an observation to draw, by a part of the environment's id."""


def choose_numbers(
    env_id: str | None, size: int, indices: Sequence[int] | None = None
) -> dict[str, int]:
    """Choose what to draw of observations of a size: names and indices.

    Raises:
        ValueError: an index is not one of an observation.
    """
    odd = [index for index in indices or () if not 0 <= index < size]
    if odd:
        raise ValueError(
            f"expected numbers of an observation, 0 to {size - 1}, got {odd}"
        )
    known = next((NUMBERS[part] for part in NUMBERS if part in (env_id or "")), {})
    if indices is None and known:
        return dict(known)
    names = {index: name for name, index in known.items()}
    chosen = range(min(_FIRST, size)) if indices is None else indices
    return {names.get(index, f"number {index}"): index for index in chosen}


def draw_rollout(
    rollout: Rollout,
    numbers: Mapping[str, int],
    path: Path,
    *,
    title: str,
    moments: int = 12,
) -> None:
    """Write a PNG with one panel an observation number, and one of rewards.

    Args:
        rollout: what happened and was planned.
        numbers: names of the panels, and indices in an observation.
        path: of the file.
        title: above all panels.
        moments: plans to draw at most, evenly apart, by half a plan at least.

    A reward that is planned far outside of those received is cut off, as is that in
    place of a termination.
    """
    figure = new_figure(_WIDTH, _PANEL * (len(numbers) + 1) + _ABOVE_AND_BELOW)
    panels = figure.subplots(len(numbers) + 1, 1, sharex=True, squeeze=False)[:, 0]
    plans = _apart(rollout.plans, moments)
    for panel, (name, index) in zip(panels, numbers.items(), strict=False):
        planned = [plan.observations[0, :, index] for plan in plans]
        _draw(panel, rollout.observations[:, index], plans, planned)
        panel.set_ylabel(name)
    _draw(panels[-1], rollout.rewards, plans, [plan.rewards[0] for plan in plans])
    panels[-1].set_ylabel("reward")
    _keep_scale(panels[-1], rollout.rewards)
    panels[-1].set_xlabel("step")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.align_ylabels(panels)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2
    )
    figure.suptitle(title, parse_math=False)
    save_figure(figure, path)


def _apart(plans: Sequence[Foreseen], moments: int) -> list[Foreseen]:
    chosen: list[Foreseen] = []
    for plan in plans[:: max(1, -(-len(plans) // moments))]:
        half = plan.stride * plan.observations.shape[1] / 2
        if not chosen or plan.step - chosen[-1].step >= half:
            chosen.append(plan)
    return chosen


def _keep_scale(axis: Axes, happened: FloatArray) -> None:
    """Show at most three times the range of what happened, if it has one."""
    low, high = float(happened.min()), float(happened.max())
    if low < high:
        bottom, top = axis.get_ylim()
        span = high - low
        axis.set_ylim(max(bottom, low - span), min(top, high + span))


def _draw(
    axis: Axes,
    happened: FloatArray,
    plans: Sequence[Foreseen],
    planned: Sequence[FloatArray],
) -> None:
    """Draw what happened [T], and what plans foresaw [H] from their steps on."""
    axis.plot(np.arange(len(happened)), happened, color=_DONE, label="happened")
    colours = colormaps["plasma"](np.linspace(0.15, 0.85, max(1, len(plans))))
    for plan, values, colour in zip(plans, planned, colours, strict=False):
        steps = plan.step + plan.stride * np.arange(len(values))
        axis.plot(steps, values, color=colour, linewidth=2.2)
        axis.plot(steps[:1], values[:1], "o", ms=5, color=colour)
    axis.plot([], [], "o-", ms=5, color=colours[0], label="planned, from the dot on")
    axis.margins(x=0.01)
    axis.grid(alpha=0.3)
