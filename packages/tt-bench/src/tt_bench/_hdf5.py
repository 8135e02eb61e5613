"""Read files of D4RL's layout: HDF5, one row a transition, episode after episode."""

import contextlib
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
from numpy.typing import NDArray

from tt_bench._dataset import Dataset
from tt_bench._episodes import Episodes
from tt_bench._flatten import FlatObservation, default_keys
from tt_bench._scores import reference_returns
from tt_bench._segments import Rows, cut_at_limit, split

_NEEDED = ("observations", "actions", "rewards", "terminals")
_KEYS = (*_NEEDED, "timeouts", "next_observations")
_BLOCK = 32_768  # rows of next observations in memory at a time


def read_hdf5(
    path: str | Path, env: str | None = None, *, columns: int | None = None
) -> Dataset:
    """Read a file of D4RL's layout, without a second copy of it in memory.

    An episode ends where `terminals` or `timeouts` say so; where a row has both it
    has terminated. Without `timeouts` it also ends where `next_observations` is not
    what the next row has, or without those too, at the environment's time limit. The
    end of the file truncates. A truncated episode whose last next observation is not
    in the file loses its last transition, which then tells the final observation.

    Args:
        path: of the file.
        env: Gymnasium id of the environment to evaluate in, in place of the file's
            attribute `env_id`.
        columns: of an observation to keep; the others must be zero in all rows. None
            keeps all.

    Raises:
        ValueError: if the file is damaged, of another layout, or its environment is
            not known.
    """
    path = Path(path).expanduser()
    with _open(path) as file:
        env_id = env or _text(file, "env_id")
        if not env_id:
            raise ValueError(
                f"expected an attribute env_id in {path}, found none: say which "
                "Gymnasium environment to evaluate in, with --env"
            )
        _check_layout(path, file)
        episodes = _read_episodes(file, env_id, columns)
        description = _text(file, "description")
    return Dataset(
        name=path.name,
        episodes=episodes,
        env_id=env_id,
        make_env=partial(_make_env, env_id),
        reference=reference_returns(env_id),
        source=f"HDF5 file {path.absolute()}",
        description=description,
    )


@contextlib.contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    """Open a file, turning what damage leads to into one clear error."""
    if not path.is_file():
        raise ValueError(f"expected an HDF5 file, found none at {path}")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        reason = str(error).strip("\"'").splitlines()[0]
        raise ValueError(
            f"expected a whole HDF5 file at {path}, could not read it ({reason}): "
            "it was cut short or is of another format; fetch or make it again"
        ) from error


def _text(file: h5py.File, attribute: str) -> str:
    value = file.attrs.get(attribute, "")
    return value.decode() if isinstance(value, bytes) else str(value)


def _check_layout(path: Path, file: h5py.File) -> None:
    missing = [key for key in _NEEDED if not isinstance(file.get(key), h5py.Dataset)]
    if missing:
        raise ValueError(
            f"expected D4RL's layout with {', '.join(_NEEDED)} in {path}, it has no "
            f"{', '.join(missing)} but {sorted(file)[:6]}: name a Minari dataset by "
            "its id, not by its file"
        )
    shapes = {key: file[key].shape for key in _KEYS if key in file}
    if len({shape[:1] for shape in shapes.values()}) > 1 or not shapes["rewards"][0]:
        raise ValueError(
            f"expected arrays of one length, one row a transition, in {path}, got "
            f"{shapes}: the file was written wrong or only in part"
        )
    if shapes.get("next_observations") not in (None, shapes["observations"]):
        raise ValueError(
            f"expected next_observations of the shape of observations in {path}, got "
            f"{shapes}"
        )
    for key, shape in shapes.items():
        vectors = key in ("observations", "actions", "next_observations")
        if not (len(shape) == 2 if vectors else shape[1:] in ((), (1,))):
            raise ValueError(
                f"expected {key} {'[N, D]' if vectors else '[N]'} in {path}, got "
                f"{list(shape)}: images and discrete actions are not supported"
            )
        if file[key].dtype.kind not in "biuf":
            raise ValueError(
                f"expected numbers as {key} in {path}, got {file[key].dtype}"
            )


def _read_episodes(file: h5py.File, env_id: str, columns: int | None) -> Episodes:
    observations = _read_vectors(file["observations"], columns)
    rewards = np.empty(file["rewards"].shape, np.float32)
    file["rewards"].read_direct(rewards)
    terminals = _read_flags(file["terminals"])
    ends = _find_ends(file, env_id, observations, terminals)
    rows = Rows(observations, _read_vectors(file["actions"]), rewards.reshape(-1))
    finals = None
    if "next_observations" in file:
        finals = _pick(file["next_observations"], ends - 1, observations.shape[1])
    return split(rows, ends, terminals[ends - 1], finals)


def _read_vectors(
    stored: h5py.Dataset, columns: int | None = None
) -> NDArray[np.float32]:
    rows, width = stored.shape
    kept = width if columns is None else min(columns, width)
    if any(stored[b:e, kept:].any() for b, e in _blocks(rows) if kept < width):
        raise ValueError(
            f"expected observations that are zero after the first {kept} of {width} "
            f"columns in {stored.file.filename}, got other numbers"
        )
    array = np.empty((rows, kept), np.float32)
    stored.read_direct(array, np.s_[:, :kept])
    return array


def _read_flags(stored: h5py.Dataset) -> NDArray[np.bool_]:
    return np.asarray(stored[()] != 0).reshape(-1)


def _find_ends(
    file: h5py.File,
    env_id: str,
    observations: NDArray[np.float32],
    terminals: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Return the exclusive end of each episode: [E], the last the file's."""
    if "timeouts" in file:
        marks = terminals | _read_flags(file["timeouts"])
    elif "next_observations" in file:
        marks = terminals | _jumps(file["next_observations"], observations)
    else:
        marks = cut_at_limit(terminals, _time_limit(env_id))
    marks[-1] = True
    return np.flatnonzero(marks) + 1


def _jumps(
    following: h5py.Dataset, observations: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Mark the rows whose next observation is not the next row's: bool [N]."""
    jumps = np.zeros(len(observations), np.bool_)
    for begin, end in _blocks(len(observations) - 1):
        expected = following[begin:end, : observations.shape[1]].astype(np.float32)
        seen = observations[begin + 1 : end + 1]
        jumps[begin:end] = (expected != seen).any(axis=1)
    return jumps


def _pick(
    stored: h5py.Dataset, rows: NDArray[np.int64], columns: int
) -> NDArray[np.float32]:
    """Read increasing rows, block by block, which is faster than one by one."""
    picked = np.empty((len(rows), columns), np.float32)
    for begin, end in _blocks(len(stored)):
        first, last = np.searchsorted(rows, (begin, end))
        if first < last:
            block = stored[begin:end, :columns]
            picked[first:last] = block[rows[first:last] - begin]
    return picked


def _blocks(total: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, total, _BLOCK):
        yield begin, min(begin + _BLOCK, total)


def _time_limit(env_id: str) -> int | None:
    try:
        return gym.spec(env_id).max_episode_steps
    except gym.error.Error as error:
        raise ValueError(
            f"expected a Gymnasium environment, got {env_id!r} ({error}): its time "
            "limit splits the episodes of a file without timeouts"
        ) from error


def _make_env(env_id: str, **options: Any) -> gym.Env[NDArray[np.float32], Any]:
    with warnings.catch_warnings():  # D4RL's data belong to older versions
        warnings.filterwarnings("ignore", ".* is out of date")
        env = gym.make(env_id, **options)
    keys: tuple[str, ...] = ()
    if isinstance(env.observation_space, gym.spaces.Dict):
        keys = default_keys(env.observation_space, env.reset(seed=0)[0])
    return FlatObservation(env, keys)
