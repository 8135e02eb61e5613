"""Methods are scored while they train, and come to what they would have come to."""

from functools import partial
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from tt_bench.data import Dataset, Episodes
from tt_bench.methods import METHODS, Recipe, read_log
from tt_bench.methods.cql import CQLSettings
from tt_bench.methods.decision_network import DecisionSettings
from tt_bench.methods.rebrac import ReBRACSettings
from tt_bench.methods.settings import (
    CloningConfig,
    CriticSettings,
    ModelSettings,
    PlannerSettings,
    TrainingSettings,
)
from tt_bench.methods.td3_bc import TD3BCSettings
from tt_bench.results import RunResult
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run, RunConfig

STEPS = 60
SCORED = [name for name in METHODS if METHODS[name].trained and name != "mbop"]
RECIPE = Recipe(
    model=ModelSettings(layers=1, heads=1, width=8, dropout=0.1),
    training=TrainingSettings(steps=STEPS, batch=4, transitions=3),
    planner=PlannerSettings(horizon=2, beam=2, context=2),
    cloning=CloningConfig(steps=STEPS, batch=4, width=4),
    critic=CriticSettings(steps=STEPS, batch=4, width=4),
    own=(
        TD3BCSettings(steps=STEPS, batch=4, width=4),
        ReBRACSettings(steps=STEPS, batch=4, width=4),
        CQLSettings(steps=STEPS, batch=4, width=4),
        DecisionSettings(steps=STEPS, batch=4, width=4, layers=1, heads=1, context=2),
    ),
)


def pendulum() -> Dataset:
    draws = np.random.default_rng(0)
    episodes = Episodes(
        observations=draws.normal(size=(400, 3)),
        actions=draws.uniform(-2, 2, (400, 1)),
        rewards=draws.uniform(-1, 0, 400),
        ends=np.arange(20, 401, 20),
        terminated=np.zeros(20, np.bool_),
        final_observations=np.zeros((20, 3)),
    )
    make_env = partial(gym.make, "Pendulum-v1")
    return Dataset("made", episodes, "Pendulum-v1", make_env, (-1500.0, 0.0), "nowhere")


def run(method: str, output: Path, every: int | None) -> RunResult:
    config = RunConfig(
        methods=(method,), episodes=2, max_steps=3, output=output, evaluate_every=every
    )
    return Experiment.of(pendulum(), RECIPE, config).execute(Run(method, 0))


@pytest.mark.parametrize("method", SCORED)
def test_a_method_is_scored_as_often_as_asked_and_ends_as_it_would(
    method: str, tmp_path: Path
) -> None:
    plain = run(method, tmp_path / "plain", None)
    result = run(method, tmp_path / "scored", 30)
    assert result.returns == plain.returns
    logs = [read_log(path) for path in (tmp_path / "scored").rglob("training.csv")]
    scored = [row for log in logs for row in log if row.get("score")]
    # where reports are 20 steps apart, at the first one after
    wanted = ([30, 60], [40, 60])
    assert [int(row["step"]) for row in scored] in wanted
    assert {row["scored"] for row in scored} == {method}
    assert result.scores is not None
    assert float(scored[-1]["return"]) == pytest.approx(np.mean(result.returns))
    assert float(scored[-1]["score"]) == pytest.approx(np.mean(result.scores))


def test_scores_do_not_change_which_results_are_found(tmp_path: Path) -> None:
    first = run("bc", tmp_path, None)
    again = run("bc", tmp_path, 30)
    assert again == first
    assert len(list(tmp_path.rglob("results/*.json"))) == 1
