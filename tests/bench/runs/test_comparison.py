"""A comparison needs no console: it returns results and tells the rest."""

from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pytest

import tt_bench
from tt_bench import Event, Experiment
from tt_bench.methods.settings import CloningConfig, Recipe

TINY = Recipe(cloning=CloningConfig(steps=3, width=4))


def test_results_come_back_as_data(experiment: Experiment, tmp_path: Path) -> None:
    told: list[Event] = []
    options: Any = {"seeds": 2, "episodes": 2, "max_steps": 3, "output": tmp_path}
    results = tt_bench.compare(
        experiment.dataset, ["bc", "random"], recipe=TINY, notify=told.append, **options
    )
    assert [(r.method, r.seed) for r in results] == [
        ("random", 0),
        ("bc", 0),
        ("bc", 1),
    ]
    assert all(r.lengths == [3, 3] for r in results)
    messages = [event.text for event in told if event.kind == "message"]
    assert [text.split(":")[0] for text in messages] == [
        "random seed 0",
        "bc seed 0",
        "bc seed 1",
    ]
    counts = Counter(event.kind for event in told)
    assert counts["begun"] == counts["ended"] == 5
    done = [event.done for event in told if event.text == "bc seed 1, training"]
    assert max(done) == 3


def test_nothing_is_printed(
    experiment: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tt_bench.compare(
        experiment.dataset, ["random"], episodes=1, max_steps=2, output=tmp_path
    )
    assert capsys.readouterr() == ("", "")


def test_what_is_finished_is_found_and_a_name_is_loaded(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = attrs.evolve(experiment.dataset, name="made")
    monkeypatch.setattr(
        "tt_bench.runs.comparison.load_dataset", {"made": dataset}.__getitem__
    )
    options: Any = {"episodes": 1, "max_steps": 2, "output": tmp_path}
    first = tt_bench.compare("made", ["random"], **options)
    assert tt_bench.compare("made", ["random"], **options) == first


def test_a_budget_is_fitted_and_told(experiment: Experiment, tmp_path: Path) -> None:
    told: list[Event] = []
    options: Any = {"episodes": 1, "max_steps": 2, "output": tmp_path}
    tt_bench.compare(
        experiment.dataset, ["random"], budget=1.0, notify=told.append, **options
    )
    assert "budget: sets nothing here" in "\n".join(event.text for event in told)


@pytest.mark.parametrize("methods", [[], ["magic"], ["random", "magic"]])
def test_unknown_methods_are_refused(
    experiment: Experiment, tmp_path: Path, methods: list[str]
) -> None:
    with pytest.raises(ValueError, match="expected methods out of random, "):
        tt_bench.compare(experiment.dataset, methods, output=tmp_path)
