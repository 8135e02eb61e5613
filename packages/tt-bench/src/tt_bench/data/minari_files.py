"""Open a Minari dataset's files, after a look at what they are."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import minari

from tt_bench.data.hdf5_contents import check_contents
from tt_bench.data.minari_cache import dataset_folder, fetch, is_local, tidy_cache
from tt_bench.data.reading import reading
from tt_bench.data.stored_environment import (
    StoredEnvironment,
    check_makes_itself,
    parse_specification,
)

_SPACES = ("observation_space", "action_space")
_ARROW = ("arrow", "parquet")
_DENSE = 200  # steps that a byte may stand for, where constant columns are compressed


def open_minari(dataset_id: str, *, trust: bool = False) -> Any:
    """Open a dataset of the local cache, downloading it if it isn't there.

    What killed processes left in the cache of others is deleted.

    Args:
        dataset_id: such as `mujoco/hopper/medium-v0`.
        trust: whether Minari may make the environment as the dataset says, to learn
            spaces that it doesn't say.

    Raises:
        ValueError: if there is none, or its files are damaged or something else.
    """
    if not is_local(dataset_id):
        fetch(dataset_id)
    tidy_cache()
    with reading_minari(dataset_id):
        metadata = read_metadata(dataset_id)
        _check_counts(dataset_id, metadata)
        _check_format(dataset_id, metadata.get("data_format"))
        if not trust and any(metadata.get(space) is None for space in _SPACES):
            check_makes_itself(parse_specification(metadata.get("env_spec")))
        return minari.load_dataset(dataset_id)


def reading_minari(dataset_id: str) -> Any:
    """Turn what damaged files of a dataset lead to into one clear error."""
    return reading(
        f"Minari dataset {dataset_id!r}",
        dataset_folder(dataset_id),
        "remove that folder and download or collect it again",
    )


def read_metadata(dataset_id: str) -> dict[str, Any]:
    """Read what a local dataset says of itself.

    Raises:
        Exception: of any kind, if its file is damaged.
    """
    metadata = json.loads(_folder(dataset_id).joinpath("metadata.json").read_bytes())
    if not isinstance(metadata, dict):
        raise TypeError(f"metadata.json holds a {type(metadata).__name__}")
    return metadata


def stored_environment(dataset_id: str) -> StoredEnvironment | None:
    """Return what a local dataset says of the environment to evaluate in.

    Raises:
        ValueError: if its file is damaged.
    """
    with reading_minari(dataset_id):
        metadata = read_metadata(dataset_id)
        text = metadata.get("eval_env_spec") or metadata.get("env_spec")
        return parse_specification(text) if text else None


def _folder(dataset_id: str) -> Path:
    return dataset_folder(dataset_id) / "data"


def _check_format(dataset_id: str, name: Any) -> None:
    if name == "hdf5":
        path = _folder(dataset_id) / "main_data.hdf5"
        with h5py.File(path, "r") as file:
            check_contents(path, file)
    if name in _ARROW and find_spec("pyarrow") is None:
        raise ValueError(
            f"expected the package pyarrow, which reads the {name} files of "
            f"{dataset_id!r}: pip install 'minari[arrow]'"
        )


def _check_counts(dataset_id: str, metadata: Mapping[str, Any]) -> None:
    """Check that there can be as many episodes and steps as there are said to be."""
    stored = sum(file.stat().st_size for file in _folder(dataset_id).rglob("*"))
    for key, most in (("total_episodes", stored), ("total_steps", _DENSE * stored)):
        count = metadata.get(key)
        if type(count) is not int or not 0 <= count <= most:
            raise TypeError(f"{key} is {count!r} in {stored:,} bytes")
