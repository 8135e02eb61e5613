"""Minari datasets: written, read, and refused, in a cache of their own."""

import json
import os
import pickle
import urllib.error
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import minari
import numpy as np
import pytest
from minari.data_collector import EpisodeBuffer

from tt_bench.data import minari_cache, minari_write
from tt_bench.data.episodes import Episodes
from tt_bench.data.minari import read_minari
from tt_bench.data.minari_cache import is_local
from tt_bench.data.minari_write import MinariNotes, write_minari
from tt_bench.tasks.robotics import import_robotics

NAME = "tests/pendulum-v0"
FIELDS = [field.name for field in attrs.fields(Episodes)]
reach_server = minari_cache._reach_server
client_download = minari_cache._download


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty cache and no network."""
    folder = tmp_path / "minari"
    folder.mkdir()
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(folder))

    def no_network(_: str, __: Path) -> None:
        raise ConnectionError("no network\nand much more")

    monkeypatch.setattr(minari_cache, "_download", no_network)
    return folder


def serve(
    monkeypatch: pytest.MonkeyPatch, episodes: Episodes, *names: str, **notes: Any
) -> None:
    """Let each download bring what was asked for, and these other datasets."""

    def download(dataset_id: str, folder: Path) -> None:
        with monkeypatch.context() as here:
            here.setenv("MINARI_DATASETS_PATH", str(folder))
            for name in (dataset_id, *names):
                write_minari(episodes, name, pendulum(**notes))

    monkeypatch.setattr(minari_cache, "_download", download)


@pytest.fixture
def episodes() -> Episodes:
    """Three episodes of a pendulum's shape, the second terminated."""
    generator = np.random.default_rng(0)
    return Episodes(
        generator.uniform(-1, 1, (9, 3)),
        generator.uniform(-1, 1, (9, 1)),
        generator.normal(size=9),
        [2, 5, 9],
        [False, True, False],
        generator.uniform(-1, 1, (3, 3)),
    )


def pendulum(**changes: Any) -> MinariNotes:
    spec = gym.spec("Pendulum-v1")
    return MinariNotes(env=spec, reference=(-1200.0, -150.0), **changes)


def make_buffer(observations: Any, steps: int, **changes: Any) -> EpisodeBuffer:
    return EpisodeBuffer(
        observations=observations,
        actions=changes.get("actions", np.zeros((steps, 2), np.float32)),
        rewards=list(np.arange(float(steps))),
        terminations=changes.get("terminations", [False] * steps),
        truncations=[False] * steps,
    )


def make_dataset(
    name: str, buffers: list[EpisodeBuffer], space: gym.Space[Any], **changes: Any
) -> None:
    """Write a dataset with Minari's own means."""
    action = changes.pop("action_space", gym.spaces.Box(-1, 1, (2,), np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing authors and links
        minari.create_dataset_from_buffers(
            name, buffers, observation_space=space, action_space=action, **changes
        )


def test_what_was_written_is_read_again(episodes: Episodes) -> None:
    notes = pendulum(description="a test", algorithm="none", author="me")
    folder = write_minari(episodes, NAME, notes)
    dataset = read_minari(NAME)
    for name in FIELDS:
        np.testing.assert_array_equal(
            getattr(dataset.episodes, name), getattr(episodes, name), err_msg=name
        )
    assert dataset.reference == (-1200.0, -150.0)
    assert dataset.env_id == "Pendulum-v1"
    assert dataset.description == "a test"
    assert str(folder) in dataset.source


def test_minari_itself_can_use_what_was_written(episodes: Episodes) -> None:
    write_minari(episodes, NAME, pendulum(reference_episodes=7))
    stored = minari.load_dataset(NAME)
    assert stored.total_steps == 9
    assert list(minari.list_local_datasets()) == [NAME]
    assert stored[1].terminations.tolist() == [False, False, True]
    assert stored[0].truncations.tolist() == [False, True]
    assert stored[2].observations.shape == (5, 3)
    assert minari.get_normalized_score(stored, np.array([-150.0])) == pytest.approx(1.0)
    assert stored.action_space == gym.make("Pendulum-v1").action_space


def test_the_environment_to_evaluate_in_is_recovered(episodes: Episodes) -> None:
    spec = gym.spec("Pendulum-v1")
    spec = type(spec).from_json(spec.to_json())
    spec.max_episode_steps = 7
    write_minari(episodes, NAME, pendulum(eval_env=spec))
    make_env = pickle.loads(pickle.dumps(read_minari(NAME).make_env))
    env = make_env()
    assert env.spec.max_episode_steps == 7
    assert env.reset(seed=0)[0].shape == (3,)


def test_another_environment_can_be_named(episodes: Episodes) -> None:
    write_minari(episodes, NAME, MinariNotes())
    dataset = read_minari(NAME)
    assert dataset.env_id is None
    assert dataset.reference is None
    with pytest.raises(ValueError, match="names none"):
        dataset.make_env()
    named = read_minari(NAME, env="Pendulum-v1")
    assert named.make_env().reset(seed=0)[0].shape == (3,)


def test_d4rl_references_stand_in_for_missing_ones(episodes: Episodes) -> None:
    write_minari(episodes, NAME, MinariNotes())
    dataset = read_minari(NAME, env="Hopper-v5")
    assert dataset.reference == (-20.272305, 3234.3)


def test_dictionary_observations_of_a_maze_are_flattened() -> None:
    place = gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    whole = gym.spaces.Box(-np.inf, np.inf, (4,), np.float64)
    space = gym.spaces.Dict(observation=whole, achieved_goal=place, desired_goal=place)
    state = np.arange(16.0).reshape(4, 4)
    seen = {
        "observation": state,
        "achieved_goal": state[:, :2].copy(),
        "desired_goal": np.full((4, 2), 9.0),
    }
    make_dataset("maze-v0", [make_buffer(seen, 3), make_buffer(seen, 3)], space)
    dataset = read_minari("maze-v0")
    assert dataset.observation_keys == ("observation",)
    assert dataset.episodes.observations.tolist() == 2 * state[:3].tolist()
    assert dataset.episodes.final_observations.tolist() == 2 * [state[3].tolist()]
    assert not dataset.episodes.terminated.any()
    goal = read_minari("maze-v0", keys=["desired_goal", "achieved_goal"])
    assert goal.episodes.observations[1].tolist() == [9, 9, 4, 5]
    with pytest.raises(ValueError, match="desired_goal"):
        read_minari("maze-v0", keys=["goal"])


def test_dictionary_data_can_be_evaluated_where_observations_are_flat() -> None:
    place = gym.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    space = gym.spaces.Dict(a=place, b=gym.spaces.Box(-1, 1, (1,), np.float64))
    seen = {"a": np.zeros((4, 2)), "b": np.zeros((4, 1))}
    make_dataset("parts-v0", [make_buffer(seen, 3)], space)
    dataset = read_minari("parts-v0", env="Pendulum-v1")
    assert dataset.observation_keys == ("a", "b")
    assert dataset.make_env().observation_space.shape == (3,)


def test_a_maze_of_gymnasium_robotics_is_recovered_flat() -> None:
    gym.register_envs(import_robotics())
    env = gym.make("PointMaze_UMaze-v3")
    observation, _ = env.reset(seed=0)
    pairs = {key: np.stack([value, value]) for key, value in observation.items()}
    make_dataset("maze-v1", [make_buffer(pairs, 1)], env.observation_space, env=env)
    dataset = read_minari("maze-v1")
    assert dataset.env_id == "PointMaze_UMaze-v3"
    again, _ = dataset.make_env().reset(seed=0)
    np.testing.assert_array_equal(again, np.float32(observation["observation"]))


def test_an_unknown_dataset_gives_one_clear_error(cache: Path) -> None:
    with pytest.raises(
        ValueError, match=r"no 'no/such-v0' at .*no network\)"
    ) as raised:
        read_minari("no/such-v0")
    assert str(cache) in str(raised.value)
    assert "much more" not in str(raised.value)
    with pytest.raises(ValueError, match="with its version"):
        read_minari("no such")


def keep(path: Path) -> Path:
    """Make a file that nobody asked to delete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("years of work")
    return path


@pytest.mark.parametrize(
    "name", ["mujoco/hopper", "mujoco", "mujoco/", "..", ".", "", "../home", "HOME"]
)
def test_what_is_no_id_is_refused_before_anything_is_touched(
    name: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    kept = keep(home / "data" / "x"), keep(cache / "mujoco/hopper/medium-v0/data/x")
    monkeypatch.setattr(minari_cache, "_download", None)
    monkeypatch.chdir(tmp_path)
    name = str(home) if name == "HOME" else name
    assert not is_local(name)
    with pytest.raises(ValueError, match="Minari id with its version"):
        read_minari(name)
    assert all(path.exists() for path in kept)


def test_a_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is a folder: name a file in it"):
        read_minari(str(tmp_path))


def test_what_stands_in_the_place_of_a_dataset_stays(cache: Path) -> None:
    kept = keep(cache / "my/data-v0/notes.txt")
    with pytest.raises(ValueError, match=r"something else: move it away"):
        read_minari("my/data-v0")
    assert kept.exists()


def test_a_cache_that_cannot_be_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(keep(tmp_path / "file")))
    with pytest.raises(ValueError, match="set MINARI_DATASETS_PATH to another"):
        read_minari(NAME)


@pytest.mark.parametrize("stop", [ConnectionError, KeyboardInterrupt])
def test_a_download_that_stops_leaves_nothing(
    stop: type[BaseException], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(cache / "half" / "other-v0" / "data" / "x")
    before = sorted(cache.rglob("*"))
    places = []

    def download(dataset_id: str, folder: Path) -> None:
        places.append(folder / dataset_id)
        keep(places[0] / "data" / "main")
        raise stop

    monkeypatch.setattr(minari_cache, "_download", download)
    with pytest.raises((ValueError, KeyboardInterrupt)):
        read_minari("half/way-v0")
    assert places[0] != cache / "half" / "way-v0"
    assert sorted(cache.rglob("*")) == before
    assert kept.read_text() == "years of work"
    assert os.environ["MINARI_DATASETS_PATH"] == str(cache)


def test_a_dataset_without_its_files_is_not_put_in_place(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minari_cache, "_download", lambda *_: None)
    with pytest.raises(ValueError, match="after its download, found none"):
        read_minari("far/away-v0")
    assert list(cache.iterdir()) == []


def test_a_missing_dataset_is_downloaded(
    episodes: Episodes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, episodes)
    first = read_minari("far/away-v0")
    assert len(first.episodes) == 9
    place = cache / "far" / "away-v0"
    assert f"downloaded to {place}" in first.source
    assert f"found at {place}" in read_minari("far/away-v0").source
    assert sorted(path.name for path in cache.iterdir()) == ["far"]
    assert minari.list_local_datasets().keys() == {"far/away-v0"}
    assert minari.namespace.list_local_namespaces() == ["far"]


def test_what_comes_with_a_dataset_replaces_nothing(
    episodes: Episodes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_minari(episodes, "far/old-v0", pendulum(description="old"))
    notes = cache / "far" / "namespace_metadata.json"
    notes.write_text('{"description": "mine"}')
    serve(monkeypatch, episodes, "far/part-v0", "far/old-v0", description="new")
    assert read_minari("far/away-v0").description == "new"
    assert read_minari("far/part-v0").description == "new"
    assert read_minari("far/old-v0").description == "old"
    assert "mine" in notes.read_text()


_CLIENT = """
import os, pathlib
def download_dataset(name):
    print("Downloading", name)
    if name == "no/such-v0":
        raise ValueError("no such dataset\\nand much more")
    folder = pathlib.Path(os.environ["MINARI_DATASETS_PATH"], name)
    folder.mkdir(parents=True)
    (folder / "came").touch()
"""


def test_minaris_client_has_a_cache_and_a_process_of_its_own(
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "minari.py").write_text(_CLIENT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(minari_cache, "_reach_server", lambda: None)
    client_download("far/away-v0", tmp_path / "private")
    assert (tmp_path / "private" / "far" / "away-v0" / "came").exists()
    assert list(cache.iterdir()) == []
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "Downloading far/away-v0\n")
    with pytest.raises(ConnectionError, match="ValueError: no such dataset"):
        client_download("no/such-v0", tmp_path / "private")
    assert os.environ["MINARI_DATASETS_PATH"] == str(cache)


def test_without_a_network_the_server_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("MINARI_REMOTE", raising=False)
    with pytest.raises(urllib.error.URLError):
        reach_server()
    monkeypatch.setenv("MINARI_REMOTE", "gcp://elsewhere")
    reach_server()


def damage_metadata(data: Path) -> None:
    (data / "metadata.json").write_text("{")


def damage_file(data: Path) -> None:
    file = data / "main_data.hdf5"
    file.write_bytes(file.read_bytes()[:2000])


def lose_file(data: Path) -> None:
    (data / "main_data.hdf5").unlink()


@pytest.mark.parametrize("damage", [damage_metadata, damage_file, lose_file])
def test_damaged_files_give_one_clear_error(
    damage: Callable[[Path], None], episodes: Episodes
) -> None:
    folder = write_minari(episodes, NAME, pendulum())
    damage(folder / "data")
    with pytest.raises(ValueError, match="expected a whole Minari dataset"):
        read_minari(NAME)


def test_discrete_actions_are_refused() -> None:
    space = gym.spaces.Box(-1, 1, (2,), np.float32)
    buffer = make_buffer(np.zeros((3, 2)), 2, actions=np.array([0, 1]))
    make_dataset("discrete-v0", [buffer], space, action_space=gym.spaces.Discrete(2))
    with pytest.raises(ValueError, match="discrete actions are not supported"):
        read_minari("discrete-v0")


def test_an_episode_that_goes_on_after_its_end_is_refused() -> None:
    space = gym.spaces.Box(-1, 1, (2,), np.float32)
    buffer = make_buffer(np.zeros((4, 2)), 3, terminations=[False, True, False])
    make_dataset("long-v0", [buffer], space)
    with pytest.raises(ValueError, match="goes on after step 1"):
        read_minari("long-v0")


def test_data_that_is_not_finite_is_refused() -> None:
    space = gym.spaces.Box(-1, 1, (2,), np.float32)
    make_dataset("nan-v0", [make_buffer(np.full((3, 2), np.nan), 2)], space)
    with pytest.raises(ValueError, match="finite observations"):
        read_minari("nan-v0")


def test_an_episode_without_its_last_observation_is_refused() -> None:
    space = gym.spaces.Box(-1, 1, (2,), np.float32)
    make_dataset("short-v0", [make_buffer(np.zeros((3, 2)), 3)], space)
    with pytest.raises(ValueError, match="one observation more"):
        read_minari("short-v0")


def test_an_id_is_used_once(episodes: Episodes) -> None:
    write_minari(episodes, NAME, pendulum())
    with pytest.raises(ValueError, match="unused dataset id"):
        write_minari(episodes, NAME, pendulum())
    for name in ("no version", "some/thing", ""):
        with pytest.raises(ValueError, match=f"with its version .* got '{name}'"):
            write_minari(episodes, name, pendulum())


def test_data_of_another_environment_is_refused(episodes: Episodes) -> None:
    notes = MinariNotes(env=gym.spec("MountainCarContinuous-v0"))
    with pytest.raises(ValueError, match="expected data of MountainCarContinuous-v0"):
        write_minari(episodes, NAME, notes)


@pytest.mark.parametrize("stop", [OSError, KeyboardInterrupt])
def test_interrupted_writing_leaves_nothing(
    stop: type[BaseException],
    episodes: Episodes,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: Any) -> None:
        raise stop

    monkeypatch.setattr(minari_write, "_buffers", interrupt)
    with pytest.raises(stop):
        write_minari(episodes, NAME, pendulum())
    assert not is_local(NAME)
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_the_files_name_their_versions(episodes: Episodes) -> None:
    folder = write_minari(episodes, NAME, pendulum())
    metadata = json.loads((folder / "data" / "metadata.json").read_text())
    assert metadata["dataset_id"] == NAME
    assert metadata["minari_version"] == minari.__version__
    assert metadata["total_steps"] == 9


@pytest.mark.parametrize("left", [".writing-0123456789abcdef", ".downloading-a_bc12de"])
@pytest.mark.parametrize("there", [True, False])
def test_what_a_killed_process_left_goes_with_the_next(
    left: str, there: bool, cache: Path, episodes: Episodes
) -> None:
    if there:
        write_minari(episodes, NAME, pendulum())
    keep(cache / left / "data" / "main_data.hdf5")
    if not there:
        write_minari(episodes, NAME, pendulum())
    read_minari(NAME)
    assert {path.name for path in cache.iterdir()} == {NAME.partition("/")[0]}
