"""Environments by their id: found, made, and refused with one clear line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest

from tt_bench.data.episodes import Episodes
from tt_bench.data.hdf5 import read_hdf5
from tt_bench.data.minari import read_minari
from tt_bench.data.minari_write import MinariNotes, write_minari
from tt_bench.tasks import environments as environments_module
from tt_bench.tasks.environments import find_environment, make_environment
from tt_bench.tasks.robotics import import_robotics


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write ten steps of a pendulum's shape."""
    path = tmp_path / "data.hdf5"
    with h5py.File(path, "w") as file:
        file["observations"], file["actions"] = np.zeros((10, 3)), np.zeros((10, 1))
        file["rewards"] = np.zeros(10)
        file["terminals"] = file["timeouts"] = np.arange(10) == 9
    return path


@pytest.fixture
def registered() -> Iterator[dict[str, Any]]:
    """Let a test register environments."""
    import_robotics()  # which registers its own once in a process
    before = dict(gym.registry)
    yield gym.registry
    gym.registry.clear()
    gym.registry.update(before)


def needy(**_: Any) -> Any:
    raise gym.error.DependencyNotInstalled("expected more\nand a long story")


@pytest.mark.parametrize(
    "env_id",
    [
        "Nowhere-v0",
        "Hopper-v2",
        "Hopper-v99",
        "nowhere/Hopper-v5",
        "no_module:Hopper-v5",
        "hopper-medium-v2",
        "no such",
        "tests/Needy-v0",
    ],
)
def test_what_cannot_be_made_is_one_line(
    env_id: str, file: Path, registered: dict[str, Any], tmp_path: Path
) -> None:
    gym.register("tests/Needy-v0", entry_point=needy)
    with pytest.raises(ValueError, match=f"got '{env_id}'.*such as Hopper-v5") as one:
        read_hdf5(file, env_id).make_env()
    assert len(str(one.value).splitlines()) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
        zeros = np.zeros((4, 3))
        made = Episodes(zeros, zeros[:, :1], np.zeros(4), [4], [False], zeros[:1])
        write_minari(made, "my/data-v0", MinariNotes())
        with pytest.raises(ValueError, match="such as Hopper-v5"):
            read_minari("my/data-v0", env=env_id).make_env()


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("no such part"),
        AssertionError(),
        KeyError("part"),
        RuntimeError("a\nlong story"),
        ValueError("could not broadcast"),
        IndexError("out of range"),
        RecursionError("too deep"),
        MemoryError(),
        SystemExit(3),
        TypeError("unexpected argument"),
    ],
)
def test_a_constructor_may_raise_anything(
    error: BaseException, file: Path, registered: dict[str, Any]
) -> None:
    def broken(**_: Any) -> Any:
        raise error

    gym.register("tests/Broken-v0", entry_point=broken)
    with pytest.raises(ValueError, match=r"got 'tests/Broken-v0' .*Hopper-v5") as one:
        read_hdf5(file, "tests/Broken-v0").make_env()
    assert len(str(one.value).splitlines()) == 1
    assert type(error).__name__ in str(one.value)


@pytest.mark.parametrize("installed", ["4.0.0", "3.3.7"])
def test_a_mujoco_that_breaks_robotics_is_said(
    installed: str, registered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, Any] = {"__name__": "gymnasium_robotics.envs.fetch"}
    exec("def broken(**_): assert False", made)
    versions = {"mujoco": installed, "gymnasium-robotics": "1.4.2"}
    monkeypatch.setattr(environments_module, "version", versions.__getitem__)
    gym.register("Fetch-v0", entry_point=made["broken"])
    with pytest.raises(ValueError, match="can be made here, got 'Fetch-v0'") as one:
        make_environment("Fetch-v0")
    fix = "1.4.2 does not work with mujoco 4.0.0; pip install 'mujoco<4'"
    assert (fix in str(one.value)) is (installed == "4.0.0")


def test_robotics_is_imported_for_a_name_that_is_not_there(
    registered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def register() -> None:
        gym.register("Far-v0", entry_point=needy, max_episode_steps=7)

    monkeypatch.setattr(environments_module, "import_robotics", register)
    assert find_environment("Far-v0").max_episode_steps == 7
    assert find_environment("gymnasium:Far-v0").id == "Far-v0"


@pytest.mark.parametrize("prefix", ["", "gymnasium_robotics:"])
def test_a_file_is_evaluated_in_an_ant_maze_that_ends_in_the_goal(
    prefix: str, file: Path
) -> None:
    env = read_hdf5(file, f"{prefix}AntMaze_UMaze-v5").make_env()
    maze: Any = env.unwrapped
    assert maze.continuing_task is False
    env.close()


def test_an_option_wins_over_what_is_chosen_for_ant_mazes() -> None:
    env = make_environment("AntMaze_UMaze-v5", continuing_task=True)
    maze: Any = env.unwrapped
    assert maze.continuing_task is True
    env.close()
