"""Draw how wrong models are against the steps imagined, and compare them in numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tt_bench.report import new_figure, save_figure
from tt_bench.studies.horizon import MODELS

_Found = Mapping[str, Mapping[str, Sequence[Sequence[float]]]]
_ASKED = (10, 50, 100)  # steps ahead
_LINEAR = 10.0  # nats from 0 that are drawn as they are


def draw_horizon(found: Sequence[_Found], path: Path, *, title: str) -> None:
    """Write the mean over seeds of the quartiles of every model."""
    figure = new_figure(1200, 520)
    figure.suptitle(title)
    panels = figure.subplots(1, 2)
    names = {
        "error": "error of an observation [deviations of the data]",
        "likelihood": "log-likelihood [nats a number]",
    }
    for panel, (kind, label) in zip(panels, names.items(), strict=True):
        for name in MODELS:
            low, middle, high = _mean(found, name, kind)
            steps = np.arange(1, len(middle) + 1)
            (line,) = panel.plot(steps, middle, label=name)
            panel.fill_between(steps, low, high, color=line.get_color(), alpha=0.15)
        panel.set_xlabel("steps imagined")
        panel.set_ylabel(label)
        panel.grid(alpha=0.3)
    panels[0].set_yscale("log")
    if panels[1].get_ylim()[0] < -_LINEAR:
        panels[1].set_yscale("symlog", linthresh=_LINEAR)
    panels[0].legend(title="median and quartiles of")
    save_figure(figure, path)


def _mean(found: Sequence[_Found], name: str, kind: str) -> NDArray[np.float64]:
    quartiles: NDArray[np.float64] = np.mean([one[name][kind] for one in found], axis=0)
    return quartiles


def error_ratios(found: Sequence[_Found]) -> dict[str, Any]:
    """Return each model's median error in units of the transformer's, by steps ahead.

    There is a number for every seed.
    """
    length = len(found[0][MODELS[0]]["error"][1])
    asked = [steps for steps in _ASKED if steps <= length] or [length]
    return {
        name: {
            steps: [
                one[name]["error"][1][steps - 1] / one[MODELS[0]]["error"][1][steps - 1]
                for one in found
            ]
            for steps in asked
        }
        for name in MODELS[1:]
    }
