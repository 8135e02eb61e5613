"""D4RL's names: what each stands for, and the file behind it."""

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import h5py
import numpy as np
import pytest

from tt_bench.catalogue import REFERENCE_RETURNS, d4rl_entries, find_d4rl, similar_d4rl
from tt_bench.data import d4rl
from tt_bench.data.d4rl import load_d4rl
from tt_bench.methods.decision_transformer import AskedSettings
from tt_bench.methods.recipes import recipe_for
from tt_bench.methods.task import find_task

KINDS = ["random", "medium", "medium-replay", "full-replay", "medium-expert", "expert"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("D4RL_DATASET_DIR", str(tmp_path))
    return tmp_path


def write_hopper(path: Path, rows: int = 40) -> None:
    terminals = np.zeros(rows, np.bool_)
    terminals[[19, rows - 1]] = True
    with h5py.File(path, "w") as file:
        file["observations"] = np.random.default_rng(0).normal(size=(rows, 11))
        file["actions"] = np.zeros((rows, 3))
        file["rewards"] = np.ones(rows)
        file["terminals"] = terminals
        file["timeouts"] = np.zeros(rows, np.bool_)


MAZES = "umaze umaze-diverse medium-play medium-diverse large-play large-diverse"
BODIES = [family for family in REFERENCE_RETURNS if family != "antmaze"]
HANDS = ("pen", "door", "hammer", "relocate")


def test_all_names_of_bodies_mazes_hands_and_kitchens_are_known() -> None:
    names = {f"{body}-{kind}-v2" for body in BODIES for kind in KINDS}
    names |= {f"antmaze-{maze}-v2" for maze in MAZES.split()}
    sizes = ("open-v0", "umaze-v1", "medium-v1", "large-v1")
    names |= {f"maze2d-{size}" for size in sizes}
    names |= {f"maze2d-{size.replace('-', '-dense-')}" for size in sizes}
    names |= {f"{h}-{k}-v1" for h in HANDS for k in ("human", "cloned", "expert")}
    names |= {f"kitchen-{kind}-v0" for kind in ("complete", "partial", "mixed")}
    assert set(d4rl_entries()) == names


def test_every_entry_is_consistent() -> None:
    for name, entry in d4rl_entries().items():
        assert entry.name == name
        assert entry.locomotion == (entry.family in BODIES)
        assert entry.reference[0] < entry.reference[1]
        if entry.family in REFERENCE_RETURNS:
            assert entry.reference == REFERENCE_RETURNS[entry.family]
        assert entry.url.endswith(f"/{entry.file}")
        assert entry.family in entry.env_id.lower()
    assert len({entry.file for entry in d4rl_entries().values()}) == len(d4rl_entries())


def test_locomotion_is_evaluated_in_environments_that_exist() -> None:
    for entry in d4rl_entries().values():
        if entry.locomotion:
            assert gym.spec(entry.env_id).max_episode_steps == 1000


def test_a_hand_is_evaluated_in_the_environment_of_today_for_d4rls_steps(
    folder: Path,
) -> None:
    with h5py.File(folder / "pen-human-v1.hdf5", "w") as file:
        file["observations"] = np.random.default_rng(0).normal(size=(20, 45))
        file["actions"] = np.zeros((20, 24))
        file["rewards"] = np.ones(20)
        file["terminals"] = np.zeros(20, np.bool_)
        file["timeouts"] = np.arange(20) % 10 == 9
    dataset = load_d4rl("pen-human-v1")
    task = find_task(dataset)
    assert (dataset.env_id, task.steps, len(task.low)) == ("AdroitHandPen-v1", 100, 24)
    assert dataset.reference == (96.262799, 3076.8331017826877)


@pytest.mark.parametrize("name", ["kitchen-mixed-v0", "maze2d-umaze-v1"])
def test_what_none_of_today_is_near_needs_d4rls_own_environment(
    name: str, folder: Path
) -> None:
    write_hopper(folder / d4rl_entries()[name].file)
    dataset = load_d4rl(name)
    assert dataset.env_id == f"d4rl/{name}"
    assert len(dataset.episodes) == 40
    with pytest.raises(ValueError, match=f"package d4rl with its environment.*{name}"):
        dataset.make_env()


def test_addresses_are_those_of_d4rl() -> None:
    base = "http://rail.eecs.berkeley.edu/datasets/offline_rl"
    hopper, maze = (
        find_d4rl("hopper-medium-replay-v2"),
        find_d4rl("antmaze-large-play-v2"),
    )
    assert hopper is not None
    assert maze is not None
    assert hopper.url == f"{base}/gym_mujoco_v2/hopper_medium_replay-v2.hdf5"
    assert maze.url == (
        f"{base}/ant_maze_v2/Ant_maze_hardest-maze_noisy_multistart_True_"
        "multigoal_False_sparse_fixed.hdf5"
    )


def test_files_are_known_by_their_own_names_and_others_by_the_task() -> None:
    own = find_d4rl("somewhere/hopper_medium_replay-v2.hdf5")
    assert own is not None
    assert own.name == "hopper-medium-replay-v2"
    for path, task in (
        ("a/hopper-medium-replay-sac.hdf5", "hopper-medium-replay"),
        ("hopper-medium-sac.hdf5", "hopper-medium"),
        ("Walker2d_expert.hdf5", "walker2d-expert"),
        ("antmaze-umaze-diverse-mine.h5", "antmaze-umaze-diverse"),
    ):
        like = similar_d4rl(path)
        assert find_d4rl(path) is None
        assert like is not None
        assert like.task == task
    for path in ("hopper-mediums.hdf5", "my-hopper-medium.hdf5", "hopper.hdf5"):
        assert similar_d4rl(path) is None


def test_a_file_that_is_there_is_read_and_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hopper(folder / "hopper_medium-v2.hdf5")
    monkeypatch.setattr(d4rl, "download", None)
    dataset = load_d4rl("hopper-medium-v2")
    assert (dataset.name, dataset.env_id) == ("hopper-medium-v2", "Hopper-v4")
    assert dataset.reference == REFERENCE_RETURNS["hopper"]
    assert f"found at {folder}" in dataset.source
    assert load_d4rl("hopper-medium-v2", env="Hopper-v5").env_id == "Hopper-v5"


@pytest.mark.parametrize(("known", "own"), [(40, True), (1_039, True), (1_041, False)])
def test_a_file_of_another_size_is_not_called_d4rls(
    known: int, own: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = attrs.evolve(d4rl_entries()["hopper-medium-v2"], transitions=known)
    monkeypatch.setattr(d4rl, "d4rl_entries", lambda: {entry.name: entry})
    path = folder / entry.file
    write_hopper(path)
    source = load_d4rl(entry.name).source
    if own:
        assert source == f"D4RL's hopper-medium-v2, found at {path}"
    else:
        assert "40 transitions where D4RL's has 1,041: not D4RL's own" in source
        assert not source.startswith("D4RL's")


def test_a_file_of_unknown_size_is_d4rls_by_its_name(folder: Path) -> None:
    write_hopper(folder / "hopper_random-v2.hdf5")
    source = load_d4rl("hopper-random-v2").source
    assert source.startswith("D4RL's hopper-random-v2 by its name, found at")


def test_the_environment_gives_observations_like_the_data(folder: Path) -> None:
    write_hopper(folder / "hopper_medium-v2.hdf5")
    env = load_d4rl("hopper-medium-v2").make_env()
    assert env.reset(seed=0)[0].shape == (11,)
    env.close()


def test_ants_lose_the_columns_of_contact_forces_that_are_zero(folder: Path) -> None:
    path = folder / "ant_medium-v2.hdf5"
    seen = np.zeros((40, 111))
    seen[:, :27] = np.random.default_rng(0).normal(size=(40, 27))
    write_hopper(path)
    with h5py.File(path, "a") as file:
        del file["observations"], file["actions"]
        file["observations"], file["actions"] = seen, np.zeros((40, 8))
        file["next_observations"] = np.roll(seen, -1, axis=0)
    dataset = load_d4rl("ant-medium-v2")
    np.testing.assert_array_equal(
        dataset.episodes.observations, np.float32(seen[:, :27])
    )
    assert dataset.make_env().observation_space.shape == (27,)
    other = load_d4rl("ant-medium-v2", env="Ant-v5").episodes
    assert other.observations.shape == (40, 111)
    with h5py.File(path, "a") as file:
        file["observations"][7, 30] = 0.5
    with pytest.raises(ValueError, match="zero after the first 27 of 111"):
        load_d4rl("ant-medium-v2")


def test_a_file_that_is_not_there_is_downloaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(address: str, path: Path, **options: Any) -> None:
        assert address == d4rl_entries()["hopper-medium-v2"].url
        assert options["signature"] == b"\x89HDF\r\n\x1a\n"
        write_hopper(path)
        options["check"](path)
        whole = path.read_bytes()
        path.write_bytes(whole[:-900])
        with pytest.raises(OSError, match="truncated"):
            options["check"](path)
        path.write_bytes(whole)

    monkeypatch.setattr(d4rl, "download", download)
    source = load_d4rl("hopper-medium-v2").source
    assert "downloaded from http://rail" in source
    assert "found at" in load_d4rl("hopper-medium-v2").source


def test_a_mirror_stands_in_for_d4rls_host(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(address: str, path: Path, **_: Any) -> None:
        asked.append(address)
        write_hopper(path)

    monkeypatch.setattr(d4rl, "download", download)
    monkeypatch.setenv("D4RL_MIRROR", "https://mirror.example/d4rl/")
    source = load_d4rl("hopper-random-v2").source
    assert asked == ["https://mirror.example/d4rl/gym_mujoco_v2/hopper_random-v2.hdf5"]
    assert source.startswith("D4RL's hopper-random-v2 by its name, downloaded from")
    assert asked[0] in source


def test_a_host_that_is_away_is_named_with_the_way_to_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("D4RL_MIRROR", "http://127.0.0.1:9")  # nobody listens
    with pytest.raises(ValueError, match=r"from http://127.0.0.1:9/gym_muj.*D4RL_MIR"):
        load_d4rl("hopper-random-v2")
    assert not (folder / "hopper_random-v2.hdf5").exists()


def test_d4rls_own_host_away_is_one_error_that_names_it_and_the_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def away(request: Any, timeout: float) -> None:
        asked.append((request.full_url, timeout))
        raise urllib.error.URLError("[Errno -3] Temporary failure in name resolution")

    monkeypatch.setattr(urllib.request, "urlopen", away)
    entry = d4rl_entries()["hopper-random-v2"]
    with pytest.raises(ValueError, match=r"^expected hopper_random-v2\.hdf5") as found:
        load_d4rl("hopper-random-v2")
    told = str(found.value)
    assert asked == [(entry.url, 30.0)]
    assert f"could not download it from {entry.url} (" in told
    assert "name resolution" in told
    assert told.endswith(
        "; D4RL_MIRROR may name a mirror of "
        "http://rail.eecs.berkeley.edu/datasets/offline_rl to download from"
    )
    assert not list(folder.glob("*.hdf5"))


def test_files_are_kept_at_home_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("D4RL_DATASET_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    entry = d4rl_entries()["ant-expert-v2"]
    place = tmp_path / ".d4rl" / "datasets" / "ant_expert-v2.hdf5"
    assert d4rl.d4rl_file(entry) == place


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=r"hopper-medium-replay-v2.*'hoper-medium-repl"
    ):
        load_d4rl("hoper-medium-replay-v2")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:900])


def replace(path: Path) -> None:
    path.write_text("not data at all")


def empty(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["rewards"]


@pytest.mark.parametrize("damage", [cut, replace, empty])
def test_a_damaged_file_is_to_be_deleted(
    damage: Callable[[Path], None], folder: Path
) -> None:
    path = folder / "hopper_medium-v2.hdf5"
    write_hopper(path)
    damage(path)
    with pytest.raises(ValueError, match=f"delete {path}, and the same command"):
        load_d4rl("hopper-medium-v2")


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nope"])
def test_a_folder_that_cannot_be_is_one_error(
    place: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("D4RL_DATASET_DIR", str(folder / place))
    with pytest.raises(ValueError, match="set D4RL_DATASET_DIR to another"):
        load_d4rl("hopper-medium-v2")


def test_recipes_follow_the_table() -> None:
    medium, replay = (
        recipe_for("hopper-medium-v2"),
        recipe_for("hopper-medium-replay-v2"),
    )
    # 50 and 80 times a million transitions, in batches of 256
    assert (medium.training.steps, replay.training.steps) == (195_312, 312_500)
    assert (medium.planner.beam, medium.planner.horizon) == (128, 15)
    assert (medium.critic.expectile, medium.critic.rewards) == (0.7, "spread")
    assert medium.termination_reward == -100.0
    cheetah = recipe_for("halfcheetah-medium-v2").planner
    assert (cheetah.beam, cheetah.horizon) == (32, 5)
    maze = recipe_for("antmaze-large-play-v2")
    assert (maze.critic.expectile, maze.critic.temperature) == (0.9, 10.0)
    assert (maze.critic.rewards, maze.termination_reward) == ("minus-one", None)


def test_a_file_has_the_recipe_of_its_family() -> None:
    own = recipe_for("hopper-medium-replay-v2").replace(AskedSettings, AskedSettings())
    like = recipe_for("x/hopper-medium-replay-sac.hdf5")
    assert like.replace(AskedSettings, AskedSettings()) == own
    assert recipe_for("D4RL/antmaze/umaze-v1").critic.rewards == "minus-one"
    assert recipe_for("x/pendulum.hdf5") == recipe_for("my/data-v0")


def test_a_small_recipe_keeps_the_task_and_leaves_what_is_small_already() -> None:
    paper = recipe_for("antmaze-large-play-v2")
    small = recipe_for("antmaze-large-play-v2", small=True)
    assert (small.model.layers, small.model.width) == (2, 64)
    assert small.training.steps * small.training.batch < 2e-2 * (
        paper.training.steps * paper.training.batch
    )
    assert small.planner.beam < paper.planner.beam
    kept = ("discount", "termination_reward", "tokenizer")
    assert all(getattr(small, name) == getattr(paper, name) for name in kept)
    assert small.critic.expectile == paper.critic.expectile
    assert small.critic.rewards == paper.critic.rewards
    maze = "tt/pointmaze/umaze-v0"
    assert recipe_for(maze, small=True) == recipe_for(maze)
