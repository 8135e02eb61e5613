"""Damaged and foreign files of datasets are one clear line, whatever is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

from tt_bench import Episodes, MinariNotes, load_dataset, read_hdf5, write_minari

NAME = "tests/pendulum-v0"


def episodes() -> Episodes:
    draws = np.random.default_rng(0)
    return Episodes(
        draws.uniform(-1, 1, (9, 3)),
        draws.uniform(-1, 1, (9, 1)),
        draws.normal(size=9),
        [2, 5, 9],
        [False, True, False],
        draws.uniform(-1, 1, (3, 3)),
    )


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a dataset and return the folder of its files."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    notes = MinariNotes(env=gym.spec("Pendulum-v1"), reference=(0.0, 1.0))
    return write_minari(episodes(), NAME, notes) / "data"


def refused(match: str = "expected a whole Minari dataset") -> None:
    with pytest.raises(ValueError, match=match) as raised:
        load_dataset(NAME).make_env()
    assert len(str(raised.value).splitlines()) == 1


GARBAGE: list[Any] = [
    None,
    3,
    "x",
    [],
    {},
    "[[[[",
    '{"type": "Nope"}',
    '{"type": "Box"}',
    '{"type": "Box", "dtype": "f4", "shape": [3], "low": [0], "high": [1, 2]}',
    '{"type": "Box", "dtype": "no", "shape": [1], "low": [0], "high": [1]}',
    "[" * 100_000,
]


@pytest.mark.parametrize("key", ["observation_space", "action_space"])
@pytest.mark.parametrize("value", GARBAGE[1:], ids=range(len(GARBAGE) - 1))
def test_spaces_that_are_none(key: str, value: Any, stored: Path) -> None:
    change(stored, **{key: value})
    refused()


@pytest.mark.parametrize("key", ["minari_version", "data_format"])
@pytest.mark.parametrize("value", GARBAGE[:6], ids=range(6))
def test_notes_that_are_none(key: str, value: Any, stored: Path) -> None:
    change(stored, **{key: value})
    refused()


@pytest.mark.parametrize("value", [None, 3, [], {}], ids=str)
def test_an_id_that_is_no_text(value: Any, stored: Path) -> None:
    change(stored, dataset_id=value)
    refused()


@pytest.mark.parametrize("value", ["many", [1], {}, "nan"])
def test_references_that_are_none(value: Any, stored: Path) -> None:
    change(stored, ref_min_score=value)
    refused("expected a")


@pytest.mark.parametrize("low", [float("nan"), float("inf"), 1.0, 2.0, "-inf"])
def test_references_that_score_nothing_name_the_dataset(low: Any, stored: Path) -> None:
    change(stored, ref_min_score=low)
    refused(rf"expected a reference .*{stored.parent.name}")


@pytest.mark.parametrize("low", [float("nan"), float("-inf"), 1.0])
def test_a_reference_that_scores_nothing_is_not_written(
    low: float, stored: Path
) -> None:
    with pytest.raises(ValueError, match="expected a reference"):
        write_minari(episodes(), "tests/other-v0", MinariNotes(reference=(low, 1.0)))
    assert not (stored.parents[1] / "other-v0").exists()


@pytest.mark.parametrize("text", ["[]", "3", "null", '"x"', "{}", "", "[" * 100_000])
def test_metadata_that_are_none(text: str, stored: Path) -> None:
    (stored / "metadata.json").write_text(text)
    refused()


@pytest.mark.parametrize("name", ["arrow", "parquet"])
def test_arrow_needs_its_package(
    name: str, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tt_bench.data.minari_files.find_spec", lambda _: None)
    change(stored, data_format=name)
    refused(rf"pyarrow, which reads the {name} files .* pip install 'minari\[arrow\]'")


def change(stored: Path, **changes: Any) -> None:
    path = stored / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def lose(name: str) -> Callable[[h5py.Group], None]:
    def lost(group: h5py.Group) -> None:
        del group[name]

    return lost


def put(name: str, value: Any) -> Callable[[h5py.Group], None]:
    def placed(group: h5py.Group) -> None:
        del group[name]
        group[name] = value

    return placed


@pytest.mark.parametrize(
    "damage",
    [
        *(lose(name) for name in ("observations", "actions", "rewards")),
        *(lose(name) for name in ("terminations", "truncations")),
        put("observations", np.zeros((3, 4))),
        put("observations", np.array([b"x"] * 4)),
        put("observations", np.float32(1)),
        put("observations", h5py.Empty("f")),
        put("actions", np.zeros((3, 2))),
        put("actions", np.zeros(3, [("a", "f4")])),
        put("rewards", np.float32(1)),
        put("rewards", np.zeros((3, 2))),
        put("rewards", np.array([b"x"] * 3)),
        put("terminations", np.zeros(0)),
        put("terminations", np.full(3, np.nan)),
        put("terminations", np.array([0.0, 0.0, np.nan])),
        put("observations", h5py.SoftLink("/nowhere")),
        put("observations", h5py.SoftLink("/episode_1")),
    ],
)
def test_episodes_that_are_none(
    damage: Callable[[h5py.Group], None], stored: Path
) -> None:
    with h5py.File(stored / "main_data.hdf5", "a") as file:
        damage(file["episode_1"])
    refused("expected ")


def test_episodes_that_are_missing(stored: Path) -> None:
    with h5py.File(stored / "main_data.hdf5", "a") as file:
        del file["episode_1"]
    refused()


@pytest.mark.parametrize(
    "damage",
    [
        put("observations", np.zeros((9, 3), [("a", "f4")])),
        put("terminals", h5py.SoftLink("/nowhere")),
        put("rewards", h5py.SoftLink("/rewards")),
        put("actions", h5py.Empty("f")),
    ],
)
def test_arrays_of_a_file_that_are_none(
    damage: Callable[[h5py.Group], None], tmp_path: Path
) -> None:
    path = tmp_path / "data.hdf5"
    made = episodes()
    with h5py.File(path, "w") as file:
        file["observations"], file["actions"] = made.observations, made.actions
        file["rewards"], file["terminals"] = made.rewards, made.terminations()
        damage(file)
    with pytest.raises(ValueError, match=r"expected .*data\.hdf5") as raised:
        read_hdf5(path, "Pendulum-v1")
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["metadata.json", "main_data.hdf5"])
def test_any_bytes_are_read_or_refused(name: str, stored: Path) -> None:
    path, draws = stored / name, np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(60):
        content = np.frombuffer(whole, np.uint8).copy()
        place, size = draws.integers(len(content)), draws.integers(1, 40)
        content[place : place + size] = draws.integers(0, 256)
        path.write_bytes(content.tobytes()[: draws.integers(place, 2 * len(content))])
        try:
            load_dataset(NAME)
        except ValueError as error:
            assert str(error).startswith("expected ")  # noqa: PT017
            assert len(str(error).splitlines()) == 1  # noqa: PT017
