"""What a dataset says of its environment is data: nothing that it names is run."""

import json
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import h5py
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from tt_bench import Episodes, MinariNotes, load_dataset, read_hdf5, write_minari
from tt_bench.cli import main
from tt_bench.tasks.d4rl_env import D4rlEnv

NAME = "tests/pendulum-v0"
EVIL = "hostile_module_of_a_dataset"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give every test an empty cache, and a working folder with a module in it."""
    (tmp_path / f"{EVIL}.py").write_text(
        "import pathlib\n"
        "pathlib.Path('ran').touch()\n"
        "def run(**_): return pathlib.Path('ran').touch()\n"
        "def wrap(env, **_): pathlib.Path('ran').touch(); return env\n"
    )
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop(EVIL, None)


def episodes() -> Episodes:
    draws = np.random.default_rng(0)
    seen, final = draws.uniform(-1, 1, (8, 3)), draws.uniform(-1, 1, (2, 3))
    actions = draws.uniform(-1, 1, (8, 1))
    return Episodes(seen, actions, np.ones(8), [4, 8], [False] * 2, final)


def spec_of(**changes: Any) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(gym.spec("Pendulum-v1").to_json())
    return spec | changes


def store(key: str = "env_spec", drop: tuple[str, ...] = (), **changes: Any) -> None:
    """Write a dataset whose metadata say this of its environment."""
    notes = MinariNotes(env=gym.spec("Pendulum-v1"))
    path = write_minari(episodes(), NAME, notes) / "data" / "metadata.json"
    metadata = json.loads(path.read_text()) | {key: json.dumps(spec_of(**changes))}
    kept = {name: value for name, value in metadata.items() if name not in drop}
    path.write_text(json.dumps(kept))


def write_file(folder: Path, env_id: str, **changes: Any) -> Path:
    path = folder / "data.hdf5"
    content = {
        "observations": np.zeros((6, 3)),
        "actions": np.zeros((6, 1)),
        "rewards": np.ones(6),
        "terminals": np.arange(6) == 5,
        "timeouts": np.zeros(6, np.bool_),
    }
    with h5py.File(path, "w") as file:
        for name, array in (content | changes).items():
            if array is not None:
                file[name] = array
        file.attrs["env_id"] = env_id
    return path


def ran(folder: Path) -> bool:
    return (folder / "ran").exists()


COMMAND = {"command": "touch ran"}
WRAPPER = {"name": "Wrap", "entry_point": f"{EVIL}:wrap", "kwargs": {}}


@pytest.mark.parametrize("key", ["env_spec", "eval_env_spec"])
@pytest.mark.parametrize(
    "changes",
    [
        {"id": "Task-v0", "entry_point": "os:system", "kwargs": COMMAND},
        {"id": "Task-v0", "entry_point": f"{EVIL}:run"},
        {"entry_point": "os:system", "kwargs": COMMAND},
        {"entry_point": f"{EVIL}:run"},
        {"id": f"{EVIL}:Task-v0", "entry_point": f"{EVIL}:run"},
        {"id": f"{EVIL}:Pendulum-v1", "entry_point": f"{EVIL}:run"},
        {"additional_wrappers": [WRAPPER]},
        {"additional_wrappers": [WRAPPER | {"entry_point": f"{EVIL}:RecordVideo"}]},
    ],
)
def test_nothing_that_a_dataset_names_is_run(
    key: str, changes: dict[str, Any], folder: Path
) -> None:
    store(key, **changes)
    with pytest.raises(ValueError, match="trust") as raised:
        load_dataset(NAME).make_env()
    assert not ran(folder)
    assert EVIL not in sys.modules
    said = str(raised.value)
    assert changes.get("entry_point", EVIL) in said
    assert len(said.splitlines()) == 1
    assert "--env" in said


def test_a_dataset_without_spaces_is_not_run_to_learn_them(folder: Path) -> None:
    both = ("observation_space", "action_space")
    store(drop=both, id="Task-v0", entry_point="os:system", kwargs=COMMAND)
    with pytest.raises(ValueError, match=r"os:system.*trust"):
        load_dataset(NAME)
    assert not ran(folder)


def test_spaces_may_be_those_of_a_known_environment() -> None:
    store(drop=("observation_space", "action_space"))
    assert load_dataset(NAME).episodes.observations.shape == (8, 3)


def test_what_is_known_is_made_by_its_id(folder: Path) -> None:
    store(max_episode_steps=7, kwargs={"g": 9.0})
    env = pickle.loads(pickle.dumps(load_dataset(NAME).make_env))()
    assert env.spec.max_episode_steps == 7
    assert env.unwrapped.g == 9.0
    assert env.spec.entry_point == gym.spec("Pendulum-v1").entry_point
    assert gym.spec("Pendulum-v1").max_episode_steps == 200
    assert gym.spec("Pendulum-v1").kwargs == {}


def test_an_environment_of_this_process_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = EnvSpec("tests/Mine-v0", entry_point=lambda **given: Mine(**given))
    monkeypatch.setitem(gym.registry, "tests/Mine-v0", spec)
    store(id="tests/Mine-v0", entry_point="mine:Mine", kwargs={"size": 3})
    env = load_dataset(NAME).make_env()
    assert env.observation_space.shape == (3,)


class Mine(gym.Env[Any, Any]):
    """Observes as many numbers as it is told."""

    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, size: int = 2) -> None:
        self.observation_space = gym.spaces.Box(-1, 1, (size,), np.float32)


def test_who_trusts_a_dataset_gets_what_it_says(folder: Path) -> None:
    store(id="Task-v0", entry_point=gym.spec("Pendulum-v1").entry_point)
    with pytest.raises(ValueError, match="trust_env_spec=True"):
        load_dataset(NAME).make_env()
    env = load_dataset(NAME, trust_env_spec=True).make_env()
    assert env.spec is not None
    assert env.spec.id == "Task-v0"
    assert env.reset(seed=0)[0].shape == (3,)


def test_the_command_line_can_trust_a_dataset(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(id="Task-v0", entry_point=gym.spec("Pendulum-v1").entry_point)
    command = ["d4rl", "--dataset", NAME, "--methods", "random", "--threads", "1"]
    options = ["--episodes", "1", "--max-steps", "3", "--output", str(folder / "out")]
    assert main([*command, *options]) == 2
    printed = capsys.readouterr().err
    assert "classic_control" in printed
    assert "--trust-env-spec" in printed
    assert main([*command, *options, "--trust-env-spec"]) == 0


@pytest.mark.parametrize("without", [(), ("timeouts",)])
def test_a_file_imports_no_module(without: tuple[str, ...], folder: Path) -> None:
    path = write_file(folder, f"{EVIL}:Pendulum-v1", **dict.fromkeys(without))
    with pytest.raises(ValueError, match=f"{EVIL}:Pendulum-v1.*trust_env_spec"):
        read_hdf5(path).make_env()
    assert not ran(folder)
    assert EVIL not in sys.modules


def test_a_module_that_the_user_names_is_imported(folder: Path) -> None:
    path = write_file(folder, f"{EVIL}:Pendulum-v1")
    assert read_hdf5(path, f"{EVIL}:Pendulum-v1").make_env().reset(seed=0)
    assert ran(folder)


def test_who_trusts_a_file_has_its_module_imported(folder: Path) -> None:
    path = write_file(folder, f"{EVIL}:Pendulum-v1")
    assert read_hdf5(path, trust_env_spec=True).make_env().reset(seed=0)
    assert ran(folder)


def test_a_registered_id_whose_module_nobody_imported_is_not_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = EnvSpec("Plug-v0", entry_point=f"{EVIL}:run")
    monkeypatch.setitem(gym.registry, "Plug-v0", spec)
    path = write_file(folder, "Plug-v0")
    with pytest.raises(ValueError, match=f"{EVIL}:run.*trust_env_spec"):
        read_hdf5(path).make_env()
    assert not ran(folder)


def test_the_old_gym_is_not_asked_for_a_module(folder: Path) -> None:
    with pytest.raises(ValueError, match="one of D4RL's names"):
        D4rlEnv(f"{EVIL}:Task-v0")
    assert not ran(folder)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "3",
        "{}",
        '{"id": 3}',
        '{"id": "Pendulum-v1", "kwargs": 3}',
        '{"id": "Pendulum-v1", "max_episode_steps": "many"}',
        '{"id": "Pendulum-v1", "max_episode_steps": -3}',
        '{"id": "Pendulum-v1", "additional_wrappers": {"name": 1}}',
        '{"id": "Pendulum-v1", "additional_wrappers": [3]}',
        "[" * 100_000,
        7,
    ],
)
def test_a_specification_that_is_none_is_one_clear_line(text: Any) -> None:
    path = write_minari(episodes(), NAME, MinariNotes()) / "data" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"env_spec": text}))
    with pytest.raises(ValueError, match="expected a whole Minari dataset") as raised:
        load_dataset(NAME).make_env()
    assert len(str(raised.value).splitlines()) == 1
    assert str(path.parent.parent) in str(raised.value)
