"""D4RL's own environments behind Gymnasium's rules."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from tt_bench.cli.main import main
from tt_bench.tasks.d4rl_env import D4rlEnv
from tt_bench.tasks.environments import make_environment


class Old:
    """Count steps by the old gym's rules: fall at 4, or end by the limit at 3."""

    observation_space = SimpleNamespace(
        low=np.full(3, -np.inf), high=np.full(3, np.inf)
    )
    action_space = SimpleNamespace(low=-np.ones(2), high=np.ones(2))

    def __init__(self, limit: int | None) -> None:
        self.limit, self.seeds, self.closed = limit, list[int](), False
        self.generator = np.random.default_rng(0)

    def seed(self, seed: int) -> None:
        self.seeds.append(seed)
        self.generator = np.random.default_rng(seed)

    def reset(self) -> Any:
        self.steps = 0
        return self.generator.normal(size=3)

    def step(self, action: Any) -> tuple[Any, float, bool, dict[str, Any]]:
        self.steps += 1
        if self.steps == self.limit:
            return np.ones(3), 1.0, True, {"TimeLimit.truncated": True}
        return self.generator.normal(size=3), float(action[0]), self.steps == 4, {}

    def render(self, mode: str) -> str:
        return mode

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Put an old gym and a d4rl in the way of imports; limits by name."""
    limits = {"hopper-medium-v2": None, "hopper-random-v2": 3}
    asked: dict[str, Any] = {}
    gym = ModuleType("gym")

    def make(name: str) -> Old:
        old = asked[name] = Old(limits[name])
        return old

    gym.make = make  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gym", gym)
    monkeypatch.setitem(sys.modules, "d4rl", ModuleType("d4rl"))
    return asked


def ends(env: Any) -> list[tuple[bool, bool]]:
    env.reset(seed=0)
    flags: list[tuple[bool, bool]] = []
    while not flags or not any(flags[-1]):
        flags.append(env.step(np.array([0.5, 0.0], np.float32))[2:4])
    return flags


@pytest.mark.usefixtures("made")
@pytest.mark.filterwarnings("ignore:.*Box observation space.*")
def test_it_keeps_gymnasiums_rules() -> None:
    check_env(D4rlEnv("hopper-medium-v2"), skip_render_check=True)


@pytest.mark.usefixtures("made")
def test_one_flag_becomes_two() -> None:
    assert ends(D4rlEnv("hopper-medium-v2")) == [(False, False)] * 3 + [(True, False)]
    assert ends(D4rlEnv("hopper-random-v2")) == [(False, False)] * 2 + [(False, True)]


def test_it_is_made_by_name_and_seeded(made: dict[str, Any]) -> None:
    env = make_environment("d4rl/hopper-medium-v2")
    first, _ = env.reset(seed=7)
    again, _ = env.reset(seed=7)
    other, _ = env.reset()
    assert first.dtype == np.float32
    assert (first == again).all()
    assert (first != other).any()
    assert made["hopper-medium-v2"].seeds == [7, 7]
    env.close()
    assert made["hopper-medium-v2"].closed


def test_seeds_may_have_more_than_32_bits(made: dict[str, Any]) -> None:
    env = make_environment("d4rl/hopper-medium-v2")
    large = [20_240_101_000 + 10_000, 2**32, 2**70]
    first = [env.reset(seed=seed)[0] for seed in (2**32 - 1, *large)]
    again = [env.reset(seed=seed)[0] for seed in (2**32 - 1, *large)]
    np.testing.assert_array_equal(first, again)
    told = made["hopper-medium-v2"].seeds[:4]
    assert told[0] == 2**32 - 1
    assert len(set(told)) == 4
    assert max(told) < 2**32


@pytest.mark.usefixtures("made")
def test_a_file_is_played_in_it_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("D4RL_DATASET_DIR", str(tmp_path))
    with h5py.File(tmp_path / "hopper_medium-v2.hdf5", "w") as file:
        file["observations"], file["actions"] = np.zeros((9, 3)), np.zeros((9, 2))
        file["rewards"], file["terminals"] = np.ones(9), np.arange(9) == 8
    chosen = ["--dataset", "hopper-medium-v2", "--env", "d4rl/hopper-medium-v2"]
    output = ["--output", str(tmp_path / "out"), "--threads", "1"]
    assert (
        main(["d4rl", *chosen, "--methods", "random", "--episodes", "2", *output]) == 0
    )
    assert "environment d4rl/hopper-medium-v2" in capsys.readouterr().out


def test_it_can_be_recorded(made: dict[str, Any]) -> None:
    env = make_environment("d4rl/hopper-medium-v2", render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render() == "rgb_array"
    assert list(made) == ["hopper-medium-v2"]


def test_without_the_package_one_error_says_so() -> None:
    with pytest.raises(ValueError, match=r"the package d4rl.*tt-bench\[d4rl\]"):
        D4rlEnv("hopper-medium-v2")
