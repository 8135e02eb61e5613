"""Read files of D4RL's layout: HDF5, one row a transition, episode after episode."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray

from tt_bench.catalogue import reference_returns
from tt_bench.data.dataset import Dataset
from tt_bench.data.episodes import Episodes
from tt_bench.data.flatten import FlatObservation, default_keys
from tt_bench.data.hdf5_contents import check_contents
from tt_bench.data.hdf5_episodes import Rows, find_ends, read_flags, split
from tt_bench.data.hdf5_layout import UnreadableError, blocks, check_layout
from tt_bench.data.reading import reading
from tt_bench.files import check_memory
from tt_bench.tasks import (
    explained,
    find_environment,
    find_known_environment,
    make_environment,
)

_NUMBER = 4  # bytes
_ADVICE = "it was cut short or is of another format; fetch or make it again"


def read_hdf5(
    path: str | Path,
    env: str | None = None,
    *,
    columns: int | None = None,
    trust_env_spec: bool = False,
) -> Dataset:
    """Read a file of D4RL's layout, without a second copy of it in memory.

    An episode ends where `terminals` or `timeouts` say so; where a row has both it
    has terminated. It also ends where `next_observations` is not what the next row
    has, or without those and `timeouts`, at the environment's time limit. The end of
    the file truncates. A truncated episode whose last next observation is not in the
    file loses its last transition, which then tells the final observation.

    Args:
        path: of the file.
        env: Gymnasium id of the environment to evaluate in, in place of the file's
            attribute `env_id`.
        columns: of an observation to keep; the others must be zero in all rows. None
            keeps all.
        trust_env_spec: whether the attribute may name any environment, and a module to
            import; else only known ones.

    Raises:
        ValueError: if the file is damaged, of another layout, or its environment is
            not known; an `UnreadableError` if another file is needed.
    """
    path = Path(path).expanduser()
    with _open(path) as file:
        env_id = env or _own_environment(path, file)
        find = find_environment if env or trust_env_spec else find_known_environment
        check_layout(path, file)
        episodes = _read_episodes(file, partial(find, env_id), columns)
        description = _text(file, "description")
    return Dataset(
        name=path.name,
        episodes=episodes,
        env_id=env_id,
        make_env=partial(_make_env, env_id, find),
        reference=reference_returns(env_id),
        source=f"HDF5 file {path.absolute()}",
        description=description,
    )


def count_rows(path: Path) -> int:
    """Return how many transitions a file of D4RL's layout has.

    Raises:
        UnreadableError: if it is damaged or of another layout.
    """
    with _open(path) as file:
        check_layout(path, file)
        return len(file["rewards"])


def check_opens(path: Path) -> None:
    """Check that a file is HDF5 and not cut short, without reading it.

    Raises:
        OSError: if not.
    """
    h5py.File(path, "r").close()


@contextlib.contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    """Open a file, turning what damage leads to into one clear error."""
    if not path.is_file():
        raise ValueError(f"expected an HDF5 file, found none at {path}")
    with (
        reading("HDF5 file", path, _ADVICE, UnreadableError),
        h5py.File(path, "r") as file,
    ):
        check_contents(path, file, UnreadableError)
        yield file


def _own_environment(path: Path, file: h5py.File) -> str:
    env_id = _text(file, "env_id")
    if not env_id:
        found = repr(file.attrs["env_id"]) if "env_id" in file.attrs else "none"
        raise ValueError(
            f"expected an attribute env_id with a name in {path}, found {found}: say "
            "which Gymnasium environment to evaluate in, with --env"
        )
    return env_id


def _text(file: h5py.File, attribute: str) -> str:
    """Return an attribute that is text, else ""."""
    value = file.attrs.get(attribute, "")
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if isinstance(value, str) else ""


def _read_episodes(
    file: h5py.File, find: Callable[[], EnvSpec], columns: int | None
) -> Episodes:
    rows, width = file["observations"].shape
    needed = _NUMBER * rows * (width + file["actions"].shape[1] + 1)
    check_memory(f"HDF5 file at {file.filename}", needed, UnreadableError)
    observations = _read_vectors(file["observations"], columns)
    rewards = np.empty(file["rewards"].shape, np.float32)
    file["rewards"].read_direct(rewards)
    terminals = read_flags(file["terminals"])
    ends, finals = find_ends(file, find, observations, terminals)
    rows = Rows(observations, _read_vectors(file["actions"]), rewards.reshape(-1))
    return split(rows, ends, terminals[ends - 1], finals)


def _read_vectors(
    stored: h5py.Dataset, columns: int | None = None
) -> NDArray[np.float32]:
    rows, width = stored.shape
    kept = width if columns is None else min(columns, width)
    if any(stored[b:e, kept:].any() for b, e in blocks(rows) if kept < width):
        raise ValueError(
            f"expected observations that are zero after the first {kept} of {width} "
            f"columns in {stored.file.filename}, got other numbers"
        )
    array = np.empty((rows, kept), np.float32)
    stored.read_direct(array, np.s_[:, :kept])
    return array


def _make_env(
    env_id: str, find: Callable[[str], EnvSpec], **options: Any
) -> gym.Env[NDArray[np.float32], Any]:
    find(env_id)
    env = make_environment(env_id, **options)
    keys: tuple[str, ...] = ()
    if isinstance(env.observation_space, gym.spaces.Dict):
        with explained(env_id):
            keys = default_keys(env.observation_space, env.reset(seed=0)[0])
    return FlatObservation(env, keys)
