"""A critic trained in parts is counted as one."""

import itertools
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pytest

from tt_bench import _criticism
from tt_bench._criticism import train_critic
from tt_bench._episodes import Episodes
from tt_bench._recipes import CriticSettings, Recipe
from tt_bench._task import Task

EPISODES = Episodes(
    observations=np.zeros((8, 2)),
    actions=np.zeros((8, 1)),
    rewards=np.ones(8),
    ends=[8],
    terminated=[True],
    final_observations=np.zeros((1, 2)),
)
TASK = Task(low=-np.ones(1, np.float32), high=np.ones(1, np.float32), steps=8)
RECIPE = attrs.evolve(Recipe(), critic=CriticSettings(steps=6, batch=4, width=4))


def test_the_minutes_of_a_critic_count_those_before_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count(0.0, 10.0)
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    monkeypatch.setattr(_criticism, "_CHECKPOINT_EVERY", 2)

    def stop(done: int, _note: str) -> None:
        if done == 5:
            raise KeyboardInterrupt

    def go(on_progress: Callable[[int, str], None]) -> float:
        return train_critic(
            EPISODES,
            TASK,
            RECIPE,
            tmp_path,
            seed=0,
            device="cpu",
            on_progress=on_progress,
        ).seconds

    with pytest.raises(KeyboardInterrupt):
        go(stop)
    # five reports and the interrupt, then one and the end
    assert go(lambda *_: None) == 60 + 20
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"critic.safetensors", "training.json"}
