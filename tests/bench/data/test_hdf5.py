"""Files of D4RL's layout: read as they are, and refused with one clear line."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

from tt_bench.data.dataset import Dataset
from tt_bench.data.hdf5 import read_hdf5

ENV = "Pendulum-v1"  # 3 + 1 numbers, 200 steps


def write(
    folder: Path,
    steps: int,
    without: tuple[str, ...] = (),
    env: str = "",
    **arrays: Any,
) -> Path:
    """Write rows that count up; every row's next observation is one above it."""
    count = np.arange(float(steps))
    content = {
        "observations": np.stack([count, count, count], axis=1),
        "actions": -count[:, None],
        "rewards": count / 2,
        "terminals": np.zeros(steps, np.bool_),
        "timeouts": np.zeros(steps, np.bool_),
        **arrays,
    }
    path = folder / "data.hdf5"
    with h5py.File(path, "w") as file:
        for name, array in content.items():
            if name not in without:
                file.create_dataset(name, data=array)
        if env:
            file.attrs["env_id"] = env
    return path


def marked(steps: int, *rows: int) -> np.ndarray[Any, Any]:
    marks = np.zeros(steps, np.bool_)
    marks[list(rows)] = True
    return marks


def layout(dataset: Dataset) -> tuple[list[int], list[bool], list[float], list[float]]:
    """Return ends, terminations, first numbers of all and of final observations."""
    found = dataset.episodes
    return (
        found.ends.tolist(),
        found.terminated.tolist(),
        found.observations[:, 0].tolist(),
        found.final_observations[:, 0].tolist(),
    )


def test_a_truncated_episode_gives_its_last_row_as_the_final_observation(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, 8, terminals=marked(8, 2), timeouts=marked(8, 5))
    dataset = read_hdf5(path, ENV)
    # rows 5 and 7 are truncated: nothing tells what came after their actions
    assert layout(dataset) == (
        [3, 5, 6],
        [True, False, False],
        [0, 1, 2, 3, 4, 6],
        [2, 5, 7],
    )
    assert dataset.episodes.actions[:, 0].tolist() == [0, -1, -2, -3, -4, -6]
    assert dataset.episodes.rewards.tolist() == [0, 0.5, 1, 1.5, 2, 3]


def test_next_observations_keep_every_transition(tmp_path: Path) -> None:
    following = np.arange(1.0, 9.0)[:, None] + np.zeros(3)
    following[[2, 5, 7]] -= 0.75
    path = write(
        tmp_path,
        8,
        terminals=marked(8, 2),
        timeouts=marked(8, 5),
        next_observations=following,
    )
    assert layout(read_hdf5(path, ENV)) == (
        [3, 6, 8],
        [True, False, False],
        list(range(8)),
        [2.25, 5.25, 7.25],
    )


def test_a_row_with_both_marks_has_terminated(tmp_path: Path) -> None:
    path = write(tmp_path, 4, terminals=marked(4, 1, 3), timeouts=marked(4, 1))
    assert layout(read_hdf5(path, ENV))[:2] == ([2, 4], [True, True])


def test_truncated_episodes_of_one_transition_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, 5, terminals=marked(5, 4), timeouts=marked(5, 0, 1))
    assert layout(read_hdf5(path, ENV)) == ([3], [True], [2, 3, 4], [4])
    path = write(tmp_path, 2, timeouts=marked(2, 0))
    with pytest.raises(ValueError, match="single transition"):
        read_hdf5(path, ENV)


def test_without_timeouts_a_jump_of_the_observation_ends_an_episode(
    tmp_path: Path,
) -> None:
    following = np.repeat(np.arange(1.0, 7.0)[:, None], 3, axis=1)
    following[3, 2] = 9.0
    path = write(
        tmp_path,
        6,
        without=("timeouts",),
        terminals=marked(6, 1),
        next_observations=following,
    )
    found = read_hdf5(path, ENV).episodes
    assert (found.ends.tolist(), found.terminated.tolist()) == (
        [2, 4, 6],
        [True, False, False],
    )
    assert found.final_observations[1].tolist() == [4, 4, 9]


def test_a_jump_ends_an_episode_that_timeouts_leave_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tt_bench.data.hdf5_layout._BLOCK", 7
    )  # an end is a block's last
    count = np.tile(np.arange(20.0), 2)[:, None] + np.zeros(3)
    path = write(
        tmp_path,
        40,
        timeouts=marked(40, 13),
        observations=count,
        next_observations=count + 1,
    )
    dataset = read_hdf5(path, ENV)
    assert dataset.episodes.ends.tolist() == [14, 20, 40]
    assert dataset.episodes.final_observations[:, 0].tolist() == [14, 20, 20]


def test_next_observations_may_be_rounded(tmp_path: Path) -> None:
    count = np.tile(np.arange(20.0), 2)[:, None] * (1.0, 1e-2, 0.0)
    following = np.tile(np.arange(1.0, 21.0), 2)[:, None] * (1.0, 1e-2, 0.0)
    following[:, :2] += 1e-6
    path = write(
        tmp_path,
        40,
        without=("timeouts",),
        observations=count,
        next_observations=following,
    )
    assert read_hdf5(path, ENV).episodes.ends.tolist() == [20, 40]


@pytest.mark.parametrize("without", [(), ("timeouts",)])
def test_rows_in_no_order_are_refused(without: tuple[str, ...], tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(40)[:, None] + np.zeros(3)
    path = write(tmp_path, 40, without, observations=order, next_observations=order + 1)
    with pytest.raises(ValueError, match="in the order in which they happened"):
        read_hdf5(path, ENV)


def test_what_follows_a_terminal_need_not_be_finite(tmp_path: Path) -> None:
    following = np.arange(1.0, 9.0)[:, None] + np.zeros(3)
    following[[2, 7]] = np.nan
    content: dict[str, Any] = {"next_observations": following}
    for without in ((), ("timeouts",)):
        path = write(tmp_path, 8, without, terminals=marked(8, 2, 7), **content)
        dataset = read_hdf5(path, ENV)
        assert layout(dataset)[0] == [3, 8]
        assert layout(dataset)[3] == [2, 7]
    path = write(tmp_path, 8, timeouts=marked(8, 2), terminals=marked(8, 7), **content)
    with pytest.raises(ValueError, match="finite"):
        read_hdf5(path, ENV)


def test_without_both_the_time_limit_counts_from_the_last_end(tmp_path: Path) -> None:
    path = write(tmp_path, 500, without=("timeouts",), terminals=marked(500, 49))
    found = read_hdf5(path, ENV).episodes
    # ends at 50 (terminal), 250, 450 and 500 (file): three lose one row
    assert found.ends.tolist() == [50, 249, 448, 497]
    assert found.terminated.tolist() == [True, False, False, False]
    assert found.final_observations[:, 0].tolist() == [49, 249, 449, 499]


def test_a_terminal_at_the_time_limit_is_not_cut_twice(tmp_path: Path) -> None:
    path = write(tmp_path, 400, without=("timeouts",), terminals=marked(400, 199, 399))
    found = read_hdf5(path, ENV).episodes
    assert found.ends.tolist() == [200, 400]


def test_rows_of_one_number_and_other_types_are_accepted(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        3,
        rewards=np.array([[1], [2], [3]]),
        terminals=np.array([[0.0], [0.0], [1.0]]),
        timeouts=np.zeros(3, np.uint8),
    )
    dataset = read_hdf5(path, ENV)
    assert dataset.episodes.rewards.tolist() == [1, 2, 3]
    assert dataset.episodes.terminated.tolist() == [True]
    assert dataset.episodes.observations.dtype == np.float32


def test_the_file_names_its_environment_unless_another_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, 4, env="Hopper-v5")
    assert read_hdf5(path).env_id == "Hopper-v5"
    assert read_hdf5(path).reference == (-20.272305, 3234.3)
    assert str(path) in read_hdf5(path).source
    other = read_hdf5(path, ENV)
    assert (other.env_id, other.reference) == (ENV, None)
    env = pickle.loads(pickle.dumps(other.make_env))()
    assert env.reset(seed=0)[0].shape == (3,)


class Goals(gym.Env[dict[str, Any], Any]):
    """A maze's three parts of an observation."""

    _place = gym.spaces.Box(-9, 9, (2,))
    observation_space = gym.spaces.Dict(
        observation=gym.spaces.Box(-9, 9, (3,)),
        achieved_goal=_place,
        desired_goal=_place,
    )
    action_space = gym.spaces.Box(-1, 1, (1,))

    def reset(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        seen = np.zeros(3, np.float32), np.ones(2, np.float32), np.ones(2, np.float32)
        return dict(zip(self.observation_space, seen, strict=True)), {}


def test_a_maze_environment_joins_place_and_observation(tmp_path: Path) -> None:
    gym.register(
        "tests/Goals-v0", entry_point=lambda **_: Goals(), disable_env_checker=True
    )
    try:
        path = write(tmp_path, 4, env="tests/Goals-v0")
        env = read_hdf5(path).make_env()
        assert env.observation_space.shape == (5,)
    finally:
        del gym.registry["tests/Goals-v0"]


def test_a_file_without_environment_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--env"):
        read_hdf5(write(tmp_path, 4))


@pytest.mark.parametrize("missing", ["observations", "rewards", "terminals"])
def test_a_missing_array_is_named(missing: str, tmp_path: Path) -> None:
    path = write(tmp_path, 4, without=(missing,))
    with pytest.raises(ValueError, match=f"has no {missing} but"):
        read_hdf5(path, ENV)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"rewards": np.zeros(3)}, "arrays of one length"),
        ({"timeouts": np.zeros(5)}, "arrays of one length"),
        ({"actions": np.zeros(4)}, r"expected actions \[N, D\]"),
        ({"observations": np.zeros((4, 2, 2))}, r"expected observations \[N, D\]"),
        ({"rewards": np.zeros((4, 2))}, r"expected rewards \[N\]"),
        ({"actions": np.full((4, 1), b"x")}, "expected numbers as actions"),
        ({"next_observations": np.zeros((4, 2))}, "shape of observations"),
        ({"observations": np.full((4, 3), np.nan)}, "finite observations"),
        ({"timeouts": h5py.Empty("f")}, "expected an array as timeouts"),
        ({"rewards": h5py.Empty("f")}, "expected an array as rewards"),
        ({"timeouts": np.float32(0)}, r"expected timeouts \[N\]"),
        ({"timeouts": np.full(4, np.nan)}, "timeouts that are 0 or not, got NaN"),
        ({"terminals": np.full(4, np.nan)}, "terminals that are 0 or not, got NaN"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        read_hdf5(write(tmp_path, 4, **arrays), ENV)


@pytest.mark.parametrize("key", ["timeouts", "next_observations"])
def test_a_group_in_place_of_an_array_is_refused(key: str, tmp_path: Path) -> None:
    path = write(tmp_path, 4, without=(key,))
    with h5py.File(path, "a") as file:
        file.create_group(key)
    with pytest.raises(ValueError, match=f"expected an array as {key}"):
        read_hdf5(path, ENV)


@pytest.mark.parametrize("value", [np.array([b"Hopper-v5"]), 3, h5py.Empty("f")])
def test_an_environment_that_is_no_text_is_refused(value: Any, tmp_path: Path) -> None:
    path = write(tmp_path, 4)
    with h5py.File(path, "a") as file:
        file.attrs["env_id"] = file.attrs["description"] = value
    with pytest.raises(ValueError, match="expected an attribute env_id with a name"):
        read_hdf5(path)
    assert read_hdf5(path, ENV).description == ""


def test_an_empty_file_of_the_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one row a transition"):
        read_hdf5(write(tmp_path, 0), ENV)


def test_an_unknown_environment_cannot_split_episodes(tmp_path: Path) -> None:
    path = write(tmp_path, 4, without=("timeouts",))
    with pytest.raises(ValueError, match="'Nowhere-v0'"):
        read_hdf5(path, "Nowhere-v0")


def test_foreign_and_cut_files_give_one_clear_line(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.hdf5"
    foreign.write_bytes(b"no such format" * 100)
    cut = write(tmp_path, 3000)
    cut.write_bytes(cut.read_bytes()[:-9000])
    for path in (foreign, cut):
        with pytest.raises(ValueError, match="whole HDF5 file") as raised:
            read_hdf5(path, ENV)
        assert str(path) in str(raised.value)
        assert len(str(raised.value).splitlines()) == 1
    with pytest.raises(ValueError, match="found none"):
        read_hdf5(tmp_path / "absent.hdf5", ENV)


def test_a_damaged_compressed_array_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "zipped.hdf5"
    noise = np.random.default_rng(0).normal(size=(5000, 3))
    write(tmp_path, 5000).rename(path)
    with h5py.File(path, "a") as file:
        del file["observations"]
        file.create_dataset("observations", data=noise, compression="gzip")
        place = file["observations"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[place : place + 200] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="whole HDF5 file"):
        read_hdf5(path, ENV)


_MEASURE = """
import json, resource, sys
from tt_bench.data.hdf5 import read_hdf5
read_hdf5(sys.argv[1], "Pendulum-v1")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = read_hdf5(sys.argv[2], "Pendulum-v1").episodes
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
arrays = found.observations, found.actions, found.rewards
print(json.dumps([(after - before) * 1024, sum(a.nbytes for a in arrays)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory in kilobytes")
def test_reading_takes_little_more_memory_than_the_arrays(tmp_path: Path) -> None:
    small = write(tmp_path, 10).rename(tmp_path / "small.hdf5")
    steps = 400_000
    big = write(
        tmp_path,
        steps,
        observations=np.zeros((steps, 11)),
        actions=np.zeros((steps, 3)),
        next_observations=np.zeros((steps, 11)),
        timeouts=marked(steps, *range(999, steps, 1000)),
    )
    result = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(small), str(big)],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
        capture_output=True,
        text=True,
        check=True,
    )
    peak, arrays = json.loads(result.stdout)
    assert arrays == steps * 15 * 4
    assert peak < 1.3 * arrays


def test_the_environment_takes_options_such_as_how_to_render(tmp_path: Path) -> None:
    dataset = read_hdf5(write(tmp_path, 5, env=ENV))
    env = dataset.make_env(render_mode="rgb_array")
    assert env.render_mode == "rgb_array"
    env.close()
