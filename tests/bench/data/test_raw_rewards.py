"""Scores are of raw rewards, whatever a dataset's environment makes of them."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import (
    ClipReward,
    NormalizeObservation,
    NormalizeReward,
    RecordEpisodeStatistics,
)

from tt_bench import Episodes, MinariNotes, load_dataset, read_hdf5, write_minari
from tt_bench.cli import main
from tt_bench.tasks import make_environment

NAME = "tests/pendulum-v0"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty cache."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    return tmp_path


def store(key: str, *wrappers: Any) -> None:
    """Write a dataset whose environment has these wrappers."""
    env = gym.make("Pendulum-v1")
    for wrap in wrappers:
        env = wrap(env)
    assert env.spec is not None
    zeros = np.zeros((4, 3), np.float32)
    made = Episodes(zeros, zeros[:, :1], np.ones(4), [4], [False], zeros[:1])
    path = write_minari(made, NAME, MinariNotes()) / "data" / "metadata.json"
    metadata = json.loads(path.read_text()) | {key: env.spec.to_json()}
    path.write_text(json.dumps(metadata))


def earned(env: gym.Env[Any, Any]) -> list[float]:
    env.reset(seed=0)
    return [float(env.step(np.ones(1, np.float32))[1]) for _ in range(20)]


def raw() -> list[float]:
    return earned(gym.make("Pendulum-v1"))


def clipped(env: Any) -> Any:
    return ClipReward(env, -1.0, 1.0)


def test_raw_rewards_are_none_of_these() -> None:
    for wrap in (NormalizeReward, clipped):
        assert earned(wrap(gym.make("Pendulum-v1"))) != raw()


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("key", ["env_spec", "eval_env_spec"])
@pytest.mark.parametrize(
    ("wrappers", "names"),
    [
        ([NormalizeReward], "NormalizeReward"),
        ([clipped], "ClipReward"),
        ([RecordEpisodeStatistics, NormalizeReward, clipped], "NormalizeReward, Clip"),
        ([NormalizeReward, RecordEpisodeStatistics], "NormalizeReward"),
    ],
)
def test_a_dataset_is_scored_on_raw_rewards_and_says_so(
    wrappers: list[Any], names: str, key: str, trust: bool
) -> None:
    store(key, *wrappers)
    dataset = load_dataset(NAME, trust_env_spec=trust)
    assert earned(dataset.make_env()) == raw()
    assert f"scored on raw rewards, without {names}" in dataset.source


def test_observations_are_raw_as_well() -> None:
    store("env_spec", NormalizeObservation, NormalizeReward)
    dataset = load_dataset(NAME)
    expected, _ = gym.make("Pendulum-v1").reset(seed=0)
    np.testing.assert_array_equal(dataset.make_env().reset(seed=0)[0], expected)
    assert "without NormalizeObservation, NormalizeReward" in dataset.source


def test_nothing_is_said_where_nothing_is_left_out() -> None:
    store("env_spec", RecordEpisodeStatistics)
    assert "raw" not in load_dataset(NAME).source
    store_named = load_dataset(NAME, env="Pendulum-v1")
    assert "raw" not in store_named.source


def test_the_command_line_says_so(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store("env_spec", NormalizeReward)
    command = ["d4rl", "--dataset", NAME, "--methods", "random", "--threads", "1"]
    short = ["--episodes", "1", "--max-steps", "3", "--output", str(cache / "out")]
    assert main([*command, *short]) == 0
    assert "scored on raw rewards, without NormalizeReward" in capsys.readouterr().out


@pytest.fixture
def registered() -> Iterator[list[str]]:
    """Register environments that normalise rewards, by wrappers and by themselves."""
    plain = gym.spec("Pendulum-v1").entry_point
    wrapped = NormalizeReward(gym.make("Pendulum-v1")).spec
    assert wrapped is not None
    inside = EnvSpec(
        "tests/Inside-v0",
        lambda **_: RecordEpisodeStatistics(NormalizeReward(gym.make("Pendulum-v1"))),
    )
    outside = EnvSpec("tests/Outside-v0", plain)
    outside.additional_wrappers = wrapped.additional_wrappers
    with pytest.MonkeyPatch.context() as patch:
        for spec in (inside, outside):
            patch.setitem(gym.registry, spec.id, spec)
        yield [inside.id, outside.id]


def test_a_registered_environment_is_played_on_raw_rewards(
    registered: list[str], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    for env_id in registered:
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert earned(make_environment(env_id)) == raw()
            assert earned(make_environment(env_id)) == raw()
        assert [record.getMessage() for record in caplog.records] == [
            f"{env_id} is played on raw rewards, without NormalizeReward"
        ]
    path = tmp_path / "data.hdf5"
    with h5py.File(path, "w") as file:
        file["observations"], file["actions"] = np.zeros((10, 3)), np.zeros((10, 1))
        file["rewards"] = np.zeros(10)
        file["terminals"] = file["timeouts"] = np.arange(10) == 9
        file.attrs["env_id"] = registered[0]
    assert earned(read_hdf5(path).make_env()) == raw()
