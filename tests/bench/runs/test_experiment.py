import os
import signal
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import attrs
import numpy as np
import pytest

from tt_bench.files.strays import held, writer
from tt_bench.methods.critic import CRITIC
from tt_bench.methods.method import Prepared, model_folder, untrained
from tt_bench.methods.settings import CriticSettings, Recipe
from tt_bench.methods.table import METHODS
from tt_bench.runs import experiment as module
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run


def missing(experiment: Experiment, method: str, seed: int = 0) -> list[str]:
    context = experiment.context(Run(method, seed))
    return [network.name for network in untrained(context, METHODS[method])]


def test_methods_say_which_networks_are_not_trained(experiment: Experiment) -> None:
    assert missing(experiment, "bc") == []
    assert missing(experiment, "iql") == ["critic"]
    assert missing(experiment, "tt") == ["transformer"]
    assert missing(experiment, "tt+q") == ["transformer", "critic"]


def test_a_network_that_is_there_is_not_trained_again(experiment: Experiment) -> None:
    folder = model_folder(experiment.context(Run("iql", 1)), CRITIC)
    (folder / "checkpoint.safetensors").touch()
    assert missing(experiment, "iql", seed=1) == ["critic"]
    (folder / "critic.safetensors").touch()
    assert missing(experiment, "iql", seed=1) == []
    assert missing(experiment, "tt+q", seed=1) == ["transformer"]
    assert missing(experiment, "iql", seed=0) == ["critic"]


@pytest.mark.parametrize("method", ["iql", "tt+q"])
@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Recipe(discount=1.0), "'discount' must be < 1.0"),
        (Recipe(critic=CriticSettings(rewards="spread")), "returns must differ"),
    ],
)
def test_what_a_critic_refuses_is_refused_before_anything_is_trained(
    experiment: Experiment, method: str, recipe: Recipe, message: str
) -> None:
    config = attrs.evolve(experiment.config, methods=("bc", method))
    with pytest.raises(ValueError, match=message):
        Experiment.of(experiment.dataset, recipe, config)
    rest = tuple(name for name in METHODS if CRITIC not in METHODS[name].networks)
    config = attrs.evolve(experiment.config, methods=rest)
    assert Experiment.of(experiment.dataset, recipe, config).recipe == recipe


@attrs.define
class Counting:
    """Act the same always, remember how often, and let something happen then."""

    then: Callable[[int], object] = lambda _: None
    acted: int = 0

    def start(self, count: int, seed: int, /) -> None:
        self.acted = 0

    def act(self, observations: Any, active: Any, /) -> Any:
        self.acted += 1
        self.then(self.acted)
        return np.zeros((len(observations), 1), np.float32)

    def observe(self, actions: Any, rewards: Any, active: Any, /) -> None:
        pass

    def memory(self) -> dict[str, Any]:
        return {"acted": np.array(self.acted)}

    def remember(self, memory: dict[str, Any], /) -> None:
        self.acted = int(memory["acted"])


def playing(agent: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the method "random" act as an agent does."""
    row = METHODS["random"]._replace(prepare=lambda _: Prepared(agent))
    monkeypatch.setattr(module, "METHODS", MappingProxyType({**METHODS, "random": row}))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_keeps_what_was_played(
    number: signal.Signals, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(acted: int) -> None:
        if acted == 4:
            os.kill(os.getpid(), number)

    before = signal.getsignal(signal.SIGTERM)
    playing(Counting(stop), monkeypatch)
    run = Run("random", 0)
    with pytest.raises(KeyboardInterrupt):
        experiment.execute(run)
    assert signal.getsignal(signal.SIGTERM) is before
    (played,) = experiment.store.folder.glob("results/*.played.npz")
    resumed = Counting()
    playing(resumed, monkeypatch)
    straight = experiment.execute(run)
    assert resumed.acted == max(straight.lengths), "it went on from what was kept"
    assert not played.exists()


def test_what_was_played_of_a_run_that_is_finished_is_gone(
    experiment: Experiment,
) -> None:
    result = experiment.execute(Run("random", 0))
    (finished,) = experiment.store.folder.glob("results/*.json")
    stray = finished.with_name(f"{finished.stem}-cpu.played.npz")
    stray.touch()
    assert experiment.execute(Run("random", 0)) == result
    assert not stray.exists()


@pytest.mark.parametrize("folder", ["results", "budgets", "rollouts"])
def test_what_killed_processes_left_goes_with_the_next_run(
    folder: str, experiment: Experiment
) -> None:
    place = experiment.store.folder / folder
    place.mkdir(parents=True)
    for name in (f"a.{writer()}.partial.png", f"b.{writer()}.once.json"):
        (place / name).touch()
    written = place / f"c.{writer()}.partial.npz"
    with held(written):  # by a process that lives
        written.touch()
        experiment.execute(Run("random", 0))
        assert {path.name for path in place.glob("*.*.*")} == {written.name}
