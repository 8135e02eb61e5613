from functools import partial
from pathlib import Path

import gymnasium as gym
import numpy as np

from tt_bench._dataset import Dataset
from tt_bench._episodes import Episodes
from tt_bench._experiment import Experiment
from tt_bench._methods import critic_folder
from tt_bench._progress import silent
from tt_bench._recipes import Recipe
from tt_bench._run_config import Run, RunConfig


def experiment(folder: Path) -> Experiment:
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
    return Experiment.of(dataset, Recipe(), RunConfig(output=folder))


def test_a_model_that_several_runs_need_is_trained_once(tmp_path: Path) -> None:
    runs = [Run(method, 0) for method in ("bc", "iql", "tt", "tt-uniform", "tt+q")]
    found = experiment(tmp_path).untrained(runs)
    assert found == ["critic", "transformer", "transformer"]
    assert experiment(tmp_path).untrained([Run("tt", 0), Run("tt", 1)]) == (
        ["transformer"] * 2
    )


def test_a_model_that_is_there_is_not_trained_again(tmp_path: Path) -> None:
    opened = experiment(tmp_path)
    runs = [Run("iql", 0), Run("iql", 1)]
    folder = critic_folder(opened.context(runs[1], silent))
    (folder / "checkpoint.safetensors").touch()
    assert opened.untrained(runs) == ["critic", "critic"]
    (folder / "critic.safetensors").touch()
    assert opened.untrained(runs) == ["critic"]
