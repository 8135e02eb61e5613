"""A dataset's name leads to D4RL's file, any file, or a Minari dataset."""

import re
from pathlib import Path

import attrs
import h5py
import numpy as np
import pytest

from tt_bench.catalogue import d4rl_entries
from tt_bench.cli.main import main
from tt_bench.data import minari_cache
from tt_bench.data.episodes import Episodes
from tt_bench.data.load import load_dataset
from tt_bench.data.minari_write import MinariNotes, write_minari


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test its own caches and no network."""

    def no_network() -> None:
        raise ConnectionError("no network")

    monkeypatch.setenv("D4RL_DATASET_DIR", str(tmp_path / "d4rl"))
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.setattr(minari_cache, "_reach_server", no_network)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, env_id: str = "", size: int = 11, acts: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    terminals = np.zeros(40, np.bool_)
    terminals[[19, 39]] = True
    draws = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["observations"] = draws.normal(size=(40, size))
        file["actions"] = draws.uniform(-1, 1, size=(40, acts))
        file["rewards"] = np.ones(40)
        file["terminals"] = terminals
        file["timeouts"] = np.zeros(40, np.bool_)
        if env_id:
            file.attrs["env_id"] = env_id
    return path


def test_a_d4rl_name_finds_its_file(folder: Path) -> None:
    write(folder / "d4rl" / "hopper_medium-v2.hdf5")
    dataset = load_dataset("hopper-medium-v2")
    assert dataset.env_id == "Hopper-v4"
    assert "D4RL's hopper-medium-v2" in dataset.source


def test_a_file_of_d4rl_elsewhere_needs_no_environment(folder: Path) -> None:
    path = write(folder / "hopper_medium-v2.hdf5")
    dataset = load_dataset(str(path))
    assert dataset.env_id == "Hopper-v4"
    assert dataset.name == "hopper_medium-v2.hdf5"
    assert "has the name of D4RL's hopper-medium-v2" in dataset.source
    assert "40 transitions where D4RL's has 999,906: not" in dataset.source


def test_a_file_named_like_one_of_d4rl_is_marked(folder: Path) -> None:
    write(folder / "hopper-medium-replay-sac.hdf5", "Hopper-v5")
    dataset = load_dataset("hopper-medium-replay-sac.hdf5")
    assert dataset.env_id == "Hopper-v5"
    assert dataset.name == "hopper-medium-replay-sac.hdf5"
    assert "not D4RL's data" in dataset.source


def test_any_other_file_needs_its_environment(folder: Path) -> None:
    path = write(folder / "mine.h5", size=3, acts=1)
    with pytest.raises(ValueError, match="--env"):
        load_dataset(str(path))
    assert load_dataset(str(path), env="Pendulum-v1").env_id == "Pendulum-v1"
    with pytest.raises(ValueError, match="expected no keys"):
        load_dataset(str(path), env="Pendulum-v1", keys=["observation"])


def test_an_absent_file_is_not_looked_for_elsewhere() -> None:
    with pytest.raises(ValueError, match=r"found none at nowhere/data\.hdf5"):
        load_dataset("nowhere/data.hdf5")


@pytest.mark.parametrize("name", ["d4rl", ".", "..", "", "~nobody/x", "mujoco/hopper"])
def test_what_is_neither_file_nor_id_is_one_line(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = write(folder / "d4rl" / "data" / "mine.hdf5")
    assert main(["d4rl", "--dataset", name, "--methods", "random"]) == 2
    printed = capsys.readouterr().err
    assert "the path of an HDF5 file, or a Minari id with its version" in printed
    assert len(printed.splitlines()) == 1
    assert kept.exists()


def episodes() -> Episodes:
    one = np.zeros((4, 29), np.float32)
    return Episodes(one, one[:, :8], np.zeros(4), [4], [False], one[:1])


def test_a_minari_id_is_read_from_the_cache() -> None:
    write_minari(episodes(), "my/data-v0", MinariNotes())
    dataset = load_dataset("my/data-v0")
    assert len(dataset.episodes) == 4
    assert "Minari dataset my/data-v0" in dataset.source


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"mean hopper-medium-v2 or"):
        load_dataset("hopper-medum-v2")
    with pytest.raises(ValueError, match="could not download") as raised:
        load_dataset("some/thing-v0")
    assert "mean" not in str(raised.value)


def test_the_command_line_says_what_was_found_and_what_is_published(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(folder / "hopper-medium-sac.hdf5", "Hopper-v5")
    options = ["--methods", "random", "--episodes", "2", "--max-steps", "3"]
    assert main(["d4rl", "--dataset", str(path), *options]) == 0
    printed = capsys.readouterr().out
    assert f"HDF5 file {path}, not D4RL's data" in printed
    assert "environment Hopper-v5, dataset hopper-medium-sac.hdf5" in printed
    assert "environment Hopper-v5, data hopper-medium-sac.hdf5, which is not" in printed
    assert "TT (quantile)" in printed


def test_a_run_that_takes_hours_says_how_to_need_minutes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tt_bench.cli.compare.run_all", stop)
    path = write(folder / "hopper-medium-sac.hdf5", "Hopper-v5")
    command = ["d4rl", "--dataset", str(path), "--methods", "tt", "--threads", "1"]
    assert main(command) == 130
    long = capsys.readouterr().out
    assert main([*command, "--small"]) == 130
    short = capsys.readouterr().out
    assert "--small" in long
    assert "--small" not in short
    minutes = [int(re.findall(r"about (\d+) min", text)[0]) for text in (long, short)]
    assert minutes[0] > 100 * minutes[1]


def test_a_download_that_fails_is_one_line_on_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = attrs.evolve(
        d4rl_entries()["hopper-medium-v2"], url="http://127.0.0.1:9/none.hdf5"
    )
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("tt_bench.data.d4rl.d4rl_entries", lambda: {entry.name: entry})
    assert main(["d4rl", "--dataset", "hopper-medium-v2", "--methods", "random"]) == 2
    printed = capsys.readouterr().err
    assert "hopper_medium-v2.hdf5" in printed
    assert entry.url in printed
    assert len(printed.splitlines()) == 1
