"""A critic trained in parts is counted as one."""

import itertools
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch

from tt_bench.data.episodes import Episodes
from tt_bench.methods import critic as critic_module
from tt_bench.methods.critic import TrainedCritic, check_critic, train_critic
from tt_bench.methods.settings import CriticSettings, Recipe
from tt_bench.methods.task import Task

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


def train(
    folder: Path, episodes: Episodes, recipe: Recipe = RECIPE, seed: int = 0
) -> TrainedCritic:
    return train_critic(
        episodes,
        TASK,
        recipe,
        folder,
        seed=seed,
        device="cpu",
        on_progress=lambda *_: None,
    )


def test_actions_that_rounding_puts_outside_are_trained_on_as_the_bound(
    tmp_path: Path,
) -> None:
    actions = np.zeros((8, 1))
    actions[3], actions[5] = 1.0005, -1.0005  # the task lets them pass
    outside = attrs.evolve(EPISODES, actions=actions)
    clipped = attrs.evolve(EPISODES, actions=actions.clip(-1, 1))
    found = train(tmp_path / "outside", outside).critic
    expected = train(tmp_path / "clipped", clipped).critic
    assert torch.equal(found.networks, expected.networks)


def test_a_critic_of_other_sizes_in_the_folder_is_refused(tmp_path: Path) -> None:
    train(tmp_path, EPISODES)
    wider = attrs.evolve(
        EPISODES, observations=np.zeros((8, 3)), final_observations=np.zeros((1, 3))
    )
    with pytest.raises(ValueError, match=r"3 observation and 1 .* one of 2 and 1 in"):
        train(tmp_path, wider)


@pytest.mark.parametrize(
    ("recipe", "task", "message"),
    [
        (attrs.evolve(RECIPE, discount=1.0), TASK, "'discount' must be < 1.0"),
        (
            attrs.evolve(RECIPE, critic=CriticSettings(rewards="spread")),
            TASK,
            "best and worst of 1 episode returns must differ",
        ),
        (RECIPE, attrs.evolve(TASK, high=np.full(1, np.inf)), "from .* to .inf."),
        (
            attrs.evolve(RECIPE, critic=CriticSettings(tanh=True)),
            attrs.evolve(TASK, high=np.full(1, 2.0)),
            "those of a tanh by 1",
        ),
    ],
)
def test_what_no_critic_can_be_trained_with_is_refused(
    recipe: Recipe, task: Task, message: str
) -> None:
    check_critic(EPISODES, TASK, RECIPE)
    with pytest.raises(ValueError, match=f"critic can be trained with: .*{message}"):
        check_critic(EPISODES, task, recipe)


def test_the_minutes_of_a_critic_count_those_before_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count(0.0, 10.0)
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    monkeypatch.setattr(critic_module, "_CHECKPOINT_EVERY", 2)

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
    assert left == {"critic.safetensors", "training.csv", "training.json"}


def test_a_policy_has_a_tanh_where_the_recipe_says_so(tmp_path: Path) -> None:
    critic = attrs.evolve(RECIPE.critic, tanh=True, output_gain=5.0)
    check_critic(EPISODES, TASK, attrs.evolve(RECIPE, critic=critic))
    trained = train(tmp_path, EPISODES, attrs.evolve(RECIPE, critic=critic)).critic
    assert trained.tanh
    assert not train(tmp_path / "plain", EPISODES).critic.tanh
