"""Ant data that are made here, in the way of D4RL."""

from pathlib import Path

import attrs
import numpy as np
import pytest

from tt_bench.data import sources
from tt_bench.data.load import load_dataset
from tt_bench.data.sources import SOURCES
from tt_bench.tasks.ant_maze import cells_to_metres, metres_to_cells
from tt_bench.tasks.d4rl_ant_maze import d4rl_maze, usual_goal
from tt_bench.tasks.maze import in_goal

ANTS = [name for name in SOURCES if name.startswith("tt/antmaze/")]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test an empty cache."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))


def test_there_are_d4rls_six_and_the_diverse_sets_are_of_all_mazes() -> None:
    assert sorted(name.removeprefix("tt/antmaze/") for name in ANTS) == [
        "large-diverse-v0",
        "large-play-v0",
        "medium-diverse-v0",
        "medium-play-v0",
        "umaze-diverse-v0",
        "umaze-v1",
    ]
    for name in ANTS:
        source = SOURCES[name]
        assert source.transitions == 1_000_000
        assert source.env_id.endswith("-D4RL-v2")
        assert source.reference == (0.0, 1.0)
        assert source.episode_steps == (700 if "umaze" in name else 1_000)


@pytest.mark.parametrize("name", ["umaze-v1", "umaze-diverse-v0", "medium-play-v0"])
def test_a_small_dataset_is_collected(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"tt/antmaze/{name}"
    source = attrs.evolve(SOURCES[name], transitions=3_000, episode_steps=160)
    monkeypatch.setattr(sources, "SOURCES", {name: source})
    dataset = load_dataset(name)
    episodes = dataset.episodes
    assert episodes.observations.shape == (len(episodes), 29)
    assert episodes.actions.shape == (len(episodes), 8)
    assert dataset.env_id == source.env_id
    assert dataset.reference == (0.0, 1.0)
    maze = d4rl_maze(name.split("/")[-1].split("-")[0])
    np.testing.assert_array_equal(episodes.returns(), episodes.terminated)
    reached = in_goal(episodes.final_observations[:, :2], usual_goal(maze))
    np.testing.assert_array_equal(reached, episodes.terminated)
    assert reached.any()
    firsts = episodes.observations[episodes.ends - episodes.lengths, :2]
    if name.endswith("umaze-v1"):
        assert np.abs(firsts).max() <= 0.1
    else:
        places = firsts + cells_to_metres(maze, maze.start)
        cells = set(map(tuple, metres_to_cells(maze, places).tolist()))
        assert len(cells) > 4
        assert maze.goal not in cells
    env = dataset.make_env()
    assert env.reset(seed=0)[0].shape == (29,)
    assert env.spec is not None
    assert env.spec.max_episode_steps == (700 if "umaze" in name else 1_000)
