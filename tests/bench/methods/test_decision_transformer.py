"""A decision transformer reads no future, asks for what is left, and does as asked."""

from functools import partial
from pathlib import Path

import attrs
import gymnasium as gym
import numpy as np
import pytest
import torch

from tt_bench import Dataset, Episodes, Experiment, Recipe, Run, RunConfig
from tt_bench.methods.decision_network import (
    Data,
    DecisionSettings,
    DecisionTransformer,
    Windows,
    action_error,
    returns_to_go,
)
from tt_bench.methods.decision_transformer import AskedSettings, DecisionAgent, begin
from tt_bench.methods.task import Task

TASK = Task(low=np.full(1, -2, np.float32), high=np.full(1, 2, np.float32), steps=8)
SETTINGS = DecisionSettings(
    steps=300,
    batch=32,
    context=4,
    layers=2,
    width=32,
    learning_rate=3e-3,
    warm_up=20,
    dropout=0.0,
)


def two_ways(count: int = 200, length: int = 6) -> Episodes:
    """Half of the episodes act 1 and earn 1 a step, half act -1 and earn nothing."""
    draws = np.random.default_rng(0)
    good = np.repeat(np.arange(count) % 2 == 0, length)
    return Episodes(
        observations=draws.normal(size=(count * length, 3)),
        actions=np.where(good, 1.0, -1.0)[:, None],
        rewards=np.where(good, 1.0, 0.0),
        ends=np.arange(1, count + 1) * length,
        terminated=np.zeros(count, np.bool_),
        final_observations=np.zeros((count, 3)),
    )


def made(
    tmp_path: Path, settings: DecisionSettings, target: float | None = None
) -> Experiment:
    make_env = partial(gym.make, "Pendulum-v1", max_episode_steps=8)
    data = Dataset("two", two_ways(), "Pendulum-v1", make_env, None, "drawn")
    config = RunConfig(methods=("dt",), seeds=1, episodes=2, output=tmp_path)
    recipe = Recipe(own=(settings, AskedSettings(target)))
    return Experiment.of(data, recipe, config)


def trained(tmp_path: Path, settings: DecisionSettings) -> DecisionTransformer:
    training = begin(made(tmp_path, settings).context(Run("dt", 0)))
    for step in range(settings.steps):
        training.update(step)
    network = training.modules["network"]
    assert isinstance(network, DecisionTransformer)
    return network


def play(agent: DecisionAgent, rewards: list[float]) -> list[float]:
    """Act at random observations, earning these rewards."""
    agent.start(1, 0)
    draws, active, chosen = np.random.default_rng(1), np.ones(1, np.bool_), []
    for reward in rewards:
        action = agent.act(draws.normal(size=(1, 3)).astype(np.float32), active)
        agent.observe(action, np.full(1, reward, np.float32), active)
        chosen.append(float(action[0, 0]))
    return chosen


def test_the_return_asked_for_decides_between_two_ways_to_act(tmp_path: Path) -> None:
    network = trained(tmp_path, SETTINGS)
    ask = partial(DecisionAgent, network, scale=6.0, context=4)
    good = play(ask(target=6.0), [1.0] * 6)
    poor = play(ask(target=0.0), [0.0] * 6)
    assert good == pytest.approx([1.0] * 6, abs=0.1)
    assert poor == pytest.approx([-1.0] * 6, abs=0.1)


def windows(seed: int = 0, rows: int = 3, length: int = 4) -> Windows:
    draws = torch.Generator().manual_seed(seed)
    return Windows(
        torch.randn(rows, length, generator=draws),
        torch.randn(rows, length, 3, generator=draws),
        torch.rand(rows, length, 1, generator=draws),
        torch.arange(length).expand(rows, -1),
        torch.ones(rows, length, dtype=torch.bool),
    )


@pytest.fixture
def network() -> DecisionTransformer:
    torch.manual_seed(0)
    made = DecisionTransformer(two_ways(), TASK, SETTINGS).eval()
    for parameter in made.blocks.parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # so that attention tells
    return made


def test_an_action_is_chosen_from_the_past_and_not_from_itself(
    network: DecisionTransformer,
) -> None:
    seen = windows()
    before = network(seen)
    for name, first in (("asked", 2), ("observations", 2), ("actions", 3)):
        changed = getattr(seen, name).clone()
        changed[:, 2] += 1.0
        after = network(seen._replace(**{name: changed}))
        torch.testing.assert_close(after[:, :first], before[:, :first])
        assert (after[:, first:] - before[:, first:]).abs().amax() > 1e-4


def test_what_is_unseen_counts_nothing(network: DecisionTransformer) -> None:
    seen = windows()
    half = seen._replace(seen=seen.steps < 2)
    shorter = Windows(*(part[:, :2] for part in seen))
    expected = (network(shorter) - shorter.actions).square().mean()
    torch.testing.assert_close(action_error(network, half), expected)


def test_windows_are_steps_in_a_row_with_the_rewards_that_follow() -> None:
    episodes = attrs.evolve(
        two_ways(2, 3), rewards=np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    )
    assert returns_to_go(episodes).tolist() == [7.0, 6.0, 4.0, 56.0, 48.0, 32.0]
    found = Data.of(episodes, 2.0, "cpu").windows(torch.tensor([0, 1, 5]), 3)
    assert found.asked[0].tolist() == [3.5, 3.0, 2.0]
    assert found.asked[1, :2].tolist() == [3.0, 2.0]
    assert found.steps[:, 0].tolist() == [0, 1, 2]
    assert found.seen.tolist() == [
        [True] * 3,
        [True] * 2 + [False],
        [True] + [False] * 2,
    ]
    np.testing.assert_array_equal(found.observations[1, :2], episodes.observations[1:3])


def test_an_agent_asks_for_the_rest_and_sees_its_last_steps(
    network: DecisionTransformer,
) -> None:
    agent = DecisionAgent(network, target=9.0, scale=3.0, context=3)
    agent.start(2, 0)
    draws, active = np.random.default_rng(3), np.array([False, True])
    observations = draws.normal(size=(5, 2, 3)).astype(np.float32)
    actions = []
    for step, reward in enumerate((1.0, 2.0, 0.5, 4.0, 0.0)):
        actions.append(agent.act(observations[step], active))
        agent.observe(actions[-1], np.full(2, reward, np.float32), active)
    assert [action[0, 0] for action in actions] == [0.0] * 5  # has ended
    last = Windows(
        torch.tensor([[9.0 - 3.0, 9.0 - 3.5, 9.0 - 7.5]]) / 3.0,
        torch.from_numpy(observations[2:, 1])[None],
        torch.from_numpy(np.stack(actions)[2:, 1])[None],
        torch.tensor([[2, 3, 4]]),
        torch.ones(1, 3, dtype=torch.bool),
    )
    with torch.no_grad():
        expected = network(last)[0, -1]
    np.testing.assert_allclose(actions[-1][1], expected, rtol=1e-5)


def test_actions_stay_within_the_bounds(network: DecisionTransformer) -> None:
    torch.nn.init.normal_(network.choose.weight, std=100.0)
    assert 1.9 < float(network(windows()).detach().abs().max()) <= 2.0


def test_the_defaults_are_the_papers() -> None:
    told = DecisionSettings()
    assert (told.layers, told.heads, told.width, told.dropout) == (3, 1, 128, 0.1)
    assert (told.steps, told.batch, told.context) == (100_000, 64, 20)
    assert (told.learning_rate, told.decay, told.norm) == (1e-4, 1e-4, 0.25)


def test_training_is_the_same_with_dropout_and_leaves_the_generator(
    tmp_path: Path,
) -> None:
    settings = attrs.evolve(SETTINGS, dropout=0.3, steps=3)
    state = torch.random.get_rng_state()
    first, second = (trained(tmp_path, settings) for _ in range(2))
    assert torch.equal(state, torch.random.get_rng_state())
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_heads_that_do_not_share_the_width_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"multiple of --dt\.heads, got 32 and 3"):
        made(tmp_path, attrs.evolve(SETTINGS, heads=3))


def test_a_run_is_trained_once_and_another_target_needs_no_other_training(
    tmp_path: Path,
) -> None:
    short = attrs.evolve(SETTINGS, steps=3)
    first = made(tmp_path, short).execute(Run("dt", 0))
    assert first.budget["steps"] == 3
    assert len(first.returns) == 2
    assert made(tmp_path, short).finished(Run("dt", 0)) == first
    other = made(tmp_path, short, target=3.0)
    assert other.finished(Run("dt", 0)) is None
    assert other.execute(Run("dt", 0)).settings["dt_asked"] == {"target": 3.0}
    assert len(list(tmp_path.glob("two/decision-transformer-seed0-*/*.npz"))) == 1
