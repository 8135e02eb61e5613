"""Minutes of training become steps: as many as training then takes the minutes for."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import numpy as np
import pytest

from tt_bench.data.dataset import Dataset
from tt_bench.data.episodes import Episodes
from tt_bench.methods import pace
from tt_bench.methods.settings import (
    CriticSettings,
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from tt_bench.methods.transformer import train_transformer
from tt_bench.runs.budget import fit_budget
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import RunConfig
from tt_model.training import steps

TINY = Recipe(
    tokenizer=TokenizerSettings(bins=5),
    model=ModelSettings(layers=1, heads=1, width=4),
    training=TrainingSettings(batch=4, transitions=2),
    critic=CriticSettings(width=4, batch=4),
)


@attrs.define
class Clock:
    """A clock that goes on only where training works, and counts the steps."""

    now: float = 0.0
    step: float = 1.0
    first: float = 20.0  # of the first step, as compiling the network takes
    evaluation: float = 3.0
    steps: int = 0

    def read(self) -> float:
        return self.now

    def update(self, learner: Any, batch: Any, step: int, *, then: Any) -> Any:
        self.now += self.first if step == 0 else self.step
        self.steps += 1
        return then(learner, batch, step)

    def losses(self, examination: Any, learner: Any, *, then: Any) -> Any:
        self.now += self.evaluation
        return then(examination, learner)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    update, losses = steps.Learner.update, steps.HeldOut.losses
    monkeypatch.setattr(time, "perf_counter", made.read)
    monkeypatch.setattr(
        steps.Learner,
        "update",
        lambda self, batch, step: made.update(self, batch, step, then=update),
    )
    monkeypatch.setattr(
        steps.HeldOut,
        "losses",
        lambda self, learner: made.losses(self, learner, then=losses),
    )
    return made


Open = Callable[..., Experiment]


@pytest.fixture
def open_experiment(tmp_path: Path) -> Open:
    """Return what opens an experiment on 40 episodes, of which two are held out."""
    draws = np.random.default_rng(0)
    episodes = Episodes(
        observations=draws.normal(size=(120, 3)),
        actions=draws.uniform(-1, 1, (120, 1)),
        rewards=draws.normal(size=120),
        ends=np.arange(3, 121, 3),
        terminated=np.zeros(40, np.bool_),
        final_observations=draws.normal(size=(40, 3)),
    )
    make_env = partial(gym.make, "Pendulum-v1")
    dataset = Dataset("made", episodes, None, make_env, None, "nowhere")

    def opened(recipe: Recipe = TINY, methods: tuple[str, ...] = ("tt",)) -> Experiment:
        config = RunConfig(methods=methods, output=tmp_path)
        return Experiment.of(dataset, recipe, config)

    return opened


def test_training_takes_the_minutes_that_it_was_given(
    open_experiment: Open, clock: Clock, tmp_path: Path
) -> None:
    experiment = open_experiment()
    recipe = fit_budget(experiment, minutes=1.0)
    # 60 s less ten evaluations of 3 s, at 1 s a step
    assert recipe.training.steps == 30
    trained = train_transformer(
        experiment.dataset.episodes, recipe, tmp_path / "model", seed=0, device="cpu"
    )
    assert trained.seconds == clock.first + 29 + 10 * clock.evaluation


def test_a_budget_that_evaluations_use_up_trains_a_step(
    open_experiment: Open, clock: Clock
) -> None:
    assert fit_budget(open_experiment(), minutes=0.1).training.steps == 1


def test_what_training_does_not_depend_on_is_not_timed_for_again(
    open_experiment: Open, clock: Clock
) -> None:
    first = fit_budget(open_experiment(), 5.0).training.steps
    timed = clock.steps
    clock.step = 2.0
    planner = attrs.evolve(TINY.planner, horizon=2)
    cloning = attrs.evolve(TINY.cloning, width=3)
    other = attrs.evolve(TINY, planner=planner, cloning=cloning)
    other = attrs.evolve(other, training=attrs.evolve(TINY.training, steps=7))
    assert fit_budget(open_experiment(other), 5.0).training.steps == first
    assert clock.steps == timed
    smaller = attrs.evolve(TINY, training=attrs.evolve(TINY.training, batch=2))
    assert fit_budget(open_experiment(smaller), 5.0).training.steps == first // 2


def test_the_critic_keeps_its_steps_whatever_the_transformer(
    open_experiment: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "_ENOUGH", 0.2)
    first = fit_budget(open_experiment(methods=("iql",)), 0.01).critic.steps
    wider = attrs.evolve(TINY, model=attrs.evolve(TINY.model, width=8))
    again = fit_budget(open_experiment(wider, methods=("iql",)), 0.01)
    assert (again.critic.steps, again.training) == (first, TINY.training)


def test_of_two_that_time_at_once_both_take_the_steps_noted_first(
    open_experiment: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = open_experiment()
    update, found = steps.Learner.update, list[int]()

    def interrupted(self: Any, batch: Any, step: int) -> Any:
        """Let another process time the same, on a machine half as fast."""
        monkeypatch.setattr(steps.Learner, "update", update)
        clock.step = 2.0
        found.append(fit_budget(experiment, 5.0).training.steps)
        clock.step = 1.0
        return update(self, batch, step)

    monkeypatch.setattr(steps.Learner, "update", interrupted)
    assert fit_budget(experiment, 5.0).training.steps == found[0] == 135
    assert len(list(experiment.store.folder.glob("budgets/*"))) == 1


def test_steps_are_noted_where_files_cannot_be_linked(
    open_experiment: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    experiment = open_experiment()
    assert fit_budget(experiment, 5.0).training.steps == 270
    assert len(list(experiment.store.folder.glob("budgets/*"))) == 1


@pytest.mark.parametrize("steps", ["true", "0", "-3", "2.0", '"9"', "null"])
def test_steps_that_are_none_are_named_with_the_fix(
    steps: str, open_experiment: Open, clock: Clock
) -> None:
    experiment = open_experiment()
    fit_budget(experiment, 5.0)
    (note,) = experiment.store.folder.glob("budgets/*")
    note.write_text(f'{{"steps": {steps}}}')
    with pytest.raises(ValueError, match=f"{note.name}, got .*: delete the file"):
        fit_budget(experiment, 5.0)
