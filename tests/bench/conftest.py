from functools import partial
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from matplotlib.figure import Figure

from tt_bench.data.dataset import Dataset
from tt_bench.data.episodes import Episodes
from tt_bench.methods.settings import Recipe
from tt_bench.report import maze_picture, rollout_picture
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import RunConfig


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Collect the figures that are drawn, in place of writing them."""
    figures: list[Figure] = []
    for module in (maze_picture, rollout_picture):
        monkeypatch.setattr(module, "save_figure", lambda made, _: figures.append(made))
    return figures


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """Open an experiment on four steps of a pendulum."""
    episodes = Episodes(
        observations=np.zeros((4, 3)),
        actions=np.zeros((4, 1)),
        rewards=np.zeros(4),
        ends=np.array([4]),
        terminated=np.array([False]),
        final_observations=np.zeros((1, 3)),
    )
    make_env = partial(gym.make, "Pendulum-v1")
    dataset = Dataset("made", episodes, None, make_env, None, "nowhere")
    return Experiment.of(dataset, Recipe(), RunConfig(output=tmp_path))
