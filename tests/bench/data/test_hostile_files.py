"""Files that lead elsewhere or claim more than they hold are refused, unread."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

from tt_bench import Episodes, MinariNotes, read_hdf5, read_minari, write_minari

ENV = "Pendulum-v1"
NAME = "tests/pendulum-v0"
SECRET = b"root:x:0:0:" * 40


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Write a file that nobody asked to read."""
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    return path


def arrays(steps: int = 6) -> dict[str, Any]:
    return {
        "observations": np.zeros((steps, 3)),
        "actions": np.zeros((steps, 1)),
        "rewards": np.ones(steps),
        "terminals": np.arange(steps) == steps - 1,
        "timeouts": np.zeros(steps, np.bool_),
    }


def write(path: Path, without: tuple[str, ...] = (), steps: int = 6) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays(steps).items():
            if name not in without:
                file[name] = array
    return path


def store_outside(file: h5py.File, name: str, secret: Path) -> None:
    shape = (6, 3) if name == "observations" else (6,)
    file.create_dataset(
        name, shape, "u1", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
    )


def link_outside(file: h5py.File, name: str, secret: Path) -> None:
    other = write(secret.with_suffix(".hdf5"))
    file[name] = h5py.ExternalLink(str(other), name)


def link_around(file: h5py.File, name: str, secret: Path) -> None:
    other = write(secret.with_suffix(".hdf5"))
    file["elsewhere"] = h5py.ExternalLink(str(other), "/")
    file[name] = h5py.SoftLink(f"/elsewhere/{name}")


def map_outside(file: h5py.File, name: str, secret: Path) -> None:
    other = write(secret.with_suffix(".hdf5"))
    shape = arrays()[name].shape
    layout = h5py.VirtualLayout(shape, "f8")
    layout[...] = h5py.VirtualSource(str(other), name, shape)
    file.create_virtual_dataset(name, layout)


OUTSIDE = [store_outside, link_outside, link_around, map_outside]


@pytest.mark.parametrize("lead", OUTSIDE)
@pytest.mark.parametrize("name", ["observations", "rewards", "next_observations"])
def test_a_file_that_leads_elsewhere_is_refused(
    name: str, lead: Callable[..., None], secret: Path, tmp_path: Path
) -> None:
    path = write(tmp_path / "data.hdf5", (name,))
    source = "observations" if name == "next_observations" else name
    with h5py.File(path, "a") as file:
        if name == source:
            lead(file, name, secret)
        else:
            file.move("observations", "seen")
            lead(file, source, secret)
            file.move("observations", name)
            file.move("seen", "observations")
    with pytest.raises(ValueError, match="whose data are all in it") as raised:
        read_hdf5(path, ENV)
    assert str(path) in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_links_inside_of_a_file_are_followed(tmp_path: Path) -> None:
    path = write(tmp_path / "data.hdf5")
    with h5py.File(path, "a") as file:
        file.move("observations", "seen")
        file["observations"] = h5py.SoftLink("/seen")
        file["nothing"] = h5py.SoftLink("/nowhere")
    assert len(read_hdf5(path, ENV).episodes) == 6


def claim(path: Path, rows: int, **options: Any) -> Path:
    """Claim rows that are not there."""
    with h5py.File(path, "w") as file:
        for name, array in arrays(1).items():
            shape = (rows, *array.shape[1:])
            file.create_dataset(name, shape, array.dtype, **options)
    return path


@pytest.mark.parametrize("rows", [10**12, 4 * 10**7])
@pytest.mark.parametrize("options", [{}, {"chunks": True, "compression": "gzip"}])
def test_rows_that_are_not_there_are_refused(
    rows: int, options: dict[str, Any], tmp_path: Path
) -> None:
    path = claim(tmp_path / "data.hdf5", rows, **options)
    began = time.perf_counter()
    with pytest.raises(ValueError, match="fetch or make it again") as raised:
        read_hdf5(path, ENV)
    assert time.perf_counter() - began < 1.0
    assert str(path) in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_rows_without_numbers_are_refused(tmp_path: Path) -> None:
    path = claim(tmp_path / "data.hdf5", 10**12)
    with h5py.File(path, "a") as file:
        for name in ("observations", "actions"):
            del file[name]
            file.create_dataset(name, (10**12, 0), "f4")
    with pytest.raises(ValueError, match=r"observations|bytes"):
        read_hdf5(path, ENV)


def test_a_chunk_that_inflates_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "data.hdf5", ("rewards",))
    with h5py.File(path, "a") as file:
        file.create_dataset(
            "rewards", (6,), "f8", chunks=(2**28,), maxshape=(None,), compression="gzip"
        )
    with pytest.raises(ValueError, match="fetch or make it again"):
        read_hdf5(path, ENV)


def test_zeros_that_compress_well_are_read(tmp_path: Path) -> None:
    path, steps = tmp_path / "data.hdf5", 200_000
    with h5py.File(path, "w") as file:
        for name, array in arrays(steps).items():
            file.create_dataset(name, data=array, compression="gzip")
    assert path.stat().st_size < 500_000
    assert len(read_hdf5(path, ENV).episodes) == steps


def test_more_than_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tt_bench.files.sizes._total_memory", lambda: 100)
    with pytest.raises(ValueError, match=r"needs 20,000 bytes of 100"):
        read_hdf5(write(tmp_path / "data.hdf5", steps=1000), ENV)


# Minari's files are of the same kind.


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a dataset and return the folder of its files."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    zeros = np.zeros((6, 3), np.float32)
    made = Episodes(zeros, zeros[:, :1], np.ones(6), [3, 6], [False] * 2, zeros[:2])
    return write_minari(made, NAME, MinariNotes(env=gym.spec(ENV))) / "data"


def refused(stored: Path, match: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ValueError, match=match) as raised:
        read_minari(NAME)
    assert time.perf_counter() - began < 1.0
    assert str(stored.parent) in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("lead", OUTSIDE)
def test_a_minari_dataset_that_leads_elsewhere_is_refused(
    lead: Callable[..., None], stored: Path, secret: Path
) -> None:
    with h5py.File(stored / "main_data.hdf5", "a") as file:
        group = file["episode_1"]
        del group["rewards"]
        lead(group, "rewards", secret)
    refused(stored, "whose data are all in it")


@pytest.mark.parametrize("place", ["rewards", "infos/picture"])
@pytest.mark.parametrize("rows", [10**12, 10**8])
def test_a_minari_dataset_that_claims_too_much_is_refused(
    rows: int, place: str, stored: Path
) -> None:
    with h5py.File(stored / "main_data.hdf5", "a") as file:
        group = file["episode_1"]
        if place in group:
            del group[place]
        group.create_dataset(place, (rows,), "f8", chunks=(1024,))
    refused(stored, "whole HDF5 file")


@pytest.mark.parametrize("key", ["total_steps", "total_episodes"])
@pytest.mark.parametrize("count", [10**12, 10**10, -1, 2.5, "many", None])
def test_metadata_that_claim_anything_are_refused(
    key: str, count: Any, stored: Path
) -> None:
    path = stored / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: count}))
    refused(stored, "download or collect it again")
