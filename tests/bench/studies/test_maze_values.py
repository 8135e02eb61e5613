"""What a critic learned in a maze is compared with shortest ways."""

from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch

from tt_bench.data import sources
from tt_bench.data.load import load_dataset
from tt_bench.data.sources import SOURCES
from tt_bench.interface import FloatArray
from tt_bench.methods.critic import TrainedCritic, Units
from tt_bench.methods.recipes import recipe_for
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import RunConfig
from tt_bench.studies import maze_values
from tt_bench.studies.maze_values import check_values
from tt_bench.studies.maze_ways import way_lengths, ways_to_goal
from tt_bench.tasks.maze import MAZES
from tt_bench.tasks.maze_map import MazeMap, open_maze

NAME = "tt/pointmaze/umaze-sparse-v0"
UMAZE = MazeMap(MAZES["umaze"].rows, 1.0, (-1.0, 1.0))


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Open an experiment on a small umaze dataset."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    small = attrs.evolve(SOURCES[NAME], transitions=2_000)
    monkeypatch.setitem(vars(sources), "SOURCES", {NAME: small})
    config = RunConfig(seeds=1, episodes=1, output=tmp_path)
    return Experiment.of(load_dataset(NAME), recipe_for(NAME), config)


class Ideal:
    """A critic whose V is known."""

    def __init__(self, value: Callable[[FloatArray], FloatArray]) -> None:
        self.value = value

    def v(self, observations: FloatArray) -> torch.Tensor:
        return torch.from_numpy(self.value(observations))


@pytest.mark.parametrize(("sign", "expected"), [(1.0, 1.0), (-1.0, -1.0)])
def test_a_critic_that_knows_the_way_correlates_with_it(
    sign: float,
    expected: float,
    experiment: Experiment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lengths = ways_to_goal(UMAZE, radius=0.5)

    def value(observations: FloatArray) -> FloatArray:
        ways = way_lengths(UMAZE, lengths, observations[:, :2])
        return (sign * 0.99 ** (ways / 0.1)).astype(np.float32)

    known = TrainedCritic(Ideal(value), Units(1.0, 0.0), 1, 0.0)  # type: ignore[arg-type]
    monkeypatch.setattr(maze_values, "_COLLECTED", 2_000)
    monkeypatch.setattr(maze_values, "is_trained", lambda *_: True)
    monkeypatch.setattr(maze_values, "find_critic", lambda _: known)
    found = check_values(experiment.learning())
    assert found is not None
    assert found.maze == pytest.approx(expected, abs=0.02)
    assert expected * found.data > 0.2  # little data shows few ways
    assert expected * found.table > 0.2
    monkeypatch.setattr(maze_values, "collect", None)  # what was found is kept
    assert check_values(experiment.learning()) == found
    (kept,) = experiment.store.folder.glob("*/values.json")
    for odd in ("[]", "{}", '{"table": 1.0, "data": 1.0, "maze": null}', "["):
        kept.write_text(odd)
        with pytest.raises(ValueError, match=r"values\.json: .*delete values\.json"):
            check_values(experiment.learning())


def test_v_of_an_ant_is_held_against_the_ways_in_its_plane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "tt/antmaze/umaze-diverse-v0"
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    small = attrs.evolve(SOURCES[name], transitions=2_000, episode_steps=150)
    monkeypatch.setitem(vars(sources), "SOURCES", {name: small})
    monkeypatch.setattr(maze_values, "SOURCES", {name: small})
    dataset = load_dataset(name)
    maze, _ = open_maze(dataset.make_env, 0)
    assert maze is not None
    lengths = ways_to_goal(maze, radius=0.5)

    def value(observations: FloatArray) -> FloatArray:
        ways = way_lengths(maze, lengths, observations[:, :2])
        return (0.99 ** (ways / 0.15)).astype(np.float32)

    known = TrainedCritic(Ideal(value), Units(1.0, 0.0), 1, 0.0)  # type: ignore[arg-type]
    monkeypatch.setattr(maze_values, "_COLLECTED", 2_000)
    monkeypatch.setattr(maze_values, "is_trained", lambda *_: True)
    monkeypatch.setattr(maze_values, "find_critic", lambda _: known)
    config = RunConfig(seeds=1, episodes=1, output=tmp_path)
    experiment = Experiment.of(dataset, recipe_for(name), config)
    found = check_values(experiment.learning())
    assert found is not None
    assert found.maze == pytest.approx(1.0, abs=0.02)


def test_nothing_is_checked_before_a_critic_is_trained(experiment: Experiment) -> None:
    assert check_values(experiment.learning()) is None
