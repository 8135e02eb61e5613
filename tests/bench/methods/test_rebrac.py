"""ReBRAC's losses by hand, its policy against a closed form, and its runs."""

from functools import partial
from pathlib import Path

import attrs
import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tt_bench import Dataset, Episodes, Experiment, Recipe, Run, RunConfig
from tt_bench.methods.rebrac import (
    Networks,
    ReBRACSettings,
    Steps,
    actor_loss,
    begin,
    critic_loss,
    layers,
    steps_of,
)
from tt_critic import Batch

SETTINGS = ReBRACSettings(
    steps=800, batch=64, width=32, layers=2, actor_rate=2e-3, critic_rate=2e-3
)


class Times(nn.Module):
    """A critic that is so many times the first number of the action."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, pairs: Tensor) -> Tensor:
        return self.factor * pairs[:, 1:2]


class Constant(nn.Module):
    """An actor whose tanh is 0.6 in both numbers."""

    def forward(self, observations: Tensor) -> Tensor:
        return torch.full((len(observations), 2), float(np.arctanh(0.6)))


@pytest.fixture
def steps() -> Steps:
    batch = Batch(
        observations=torch.zeros(2, 1),
        actions=torch.tensor([[0.5, 0.2], [-0.5, 0.4]]),
        rewards=torch.tensor([0.5, 0.25]),
        next_observations=torch.ones(2, 1),
        terminations=torch.tensor([False, True]),
    )
    return Steps(batch, torch.tensor([[0.1, 0.8], [9.0, 9.0]]))


@pytest.fixture
def networks(steps: Steps) -> Networks:
    """Acts 0.6, 0.6 everywhere; the critics are 1 and 3 times the first number."""
    made = Networks(steps.batch, SETTINGS, seed=0)
    both = nn.ModuleList([Times(1.0), Times(3.0)])
    made.actor = made.target_actor = nn.Sequential(Constant())
    made.critics = made.target_critics = both
    return made


def test_the_target_loses_its_actions_distance_from_the_next_of_the_data(
    networks: Networks, steps: Steps
) -> None:
    settings = attrs.evolve(SETTINGS, critic_penalty=2.0)
    for noise, action in ((0.0, 0.6), (1.0, 0.8), (9.0, 1.0), (-9.0, 0.1)):
        given = torch.full((2, 2), noise)
        loss = critic_loss(networks, steps, given, settings, discount=0.9)
        away = (action - 0.1) ** 2 + (action - 0.8) ** 2
        first = 0.5 + 0.9 * (action - 2.0 * away)  # the lesser Q is the action
        errors = [(0.5 - first) ** 2 + (1.5 - first) ** 2]
        errors.append((-0.5 - 0.25) ** 2 + (-1.5 - 0.25) ** 2)  # has terminated
        assert float(loss) == pytest.approx(np.mean(errors), rel=1e-5)


def test_the_actors_loss_weighs_its_distance_against_q_in_units_of_its_size(
    networks: Networks, steps: Steps
) -> None:
    # the lesser Q is 0.6 in both states, and of mean size 0.6
    away = np.mean([0.1**2 + 0.4**2, 1.1**2 + 0.2**2])
    for penalty in (0.0, 0.5):
        loss = float(actor_loss(networks, steps.batch, penalty))
        assert loss == pytest.approx(penalty * away - 1.0, rel=1e-5)


def dataset(episodes: Episodes) -> Dataset:
    make_env = partial(gym.make, "Pendulum-v1")
    return Dataset("drawn", episodes, "Pendulum-v1", make_env, None, "drawn")


def bandit() -> Episodes:
    """One step each; the reward is the action, the actions lie evenly about -0.4."""
    draws = np.random.default_rng(0)
    actions = draws.uniform(-1.4, 0.6, (2_000, 1))
    return Episodes(
        observations=draws.normal(size=(2_000, 3)),
        actions=actions,
        rewards=4.0 + actions[:, 0],
        ends=np.arange(1, 2_001),
        terminated=np.ones(2_000, np.bool_),
        final_observations=np.zeros((2_000, 3)),
    )


def experiment(
    tmp_path: Path, settings: ReBRACSettings, episodes: Episodes
) -> Experiment:
    config = RunConfig(methods=("rebrac",), seeds=1, episodes=2, output=tmp_path)
    recipe = Recipe(own=(settings,))
    return Experiment.of(dataset(episodes), recipe, config)


def test_transitions_meet_their_next_action_unless_it_is_not_known(
    tmp_path: Path,
) -> None:
    episodes = Episodes(
        observations=np.zeros((5, 3)),
        actions=np.array([[0.2], [0.4], [0.6], [-0.8], [1.0]]),
        rewards=np.arange(5.0),
        ends=np.array([3, 5]),
        terminated=np.array([False, True]),
        final_observations=np.zeros((2, 3)),
    )
    settings = attrs.evolve(SETTINGS, scale=2.0)
    context = experiment(tmp_path, settings, episodes).context(Run("rebrac", 0))
    found = steps_of(context)
    # bounds are -2 and 2; the third is cut by a time limit
    assert found.batch.rewards.tolist() == [0.0, 2.0, 6.0, 8.0]
    torch.testing.assert_close(
        found.batch.actions[:, 0], torch.tensor([0.1, 0.2, -0.4, 0.5])
    )
    torch.testing.assert_close(found.next_actions[:3, 0], torch.tensor([0.2, 0.3, 0.5]))
    assert found.batch.terminations.tolist() == [False, False, False, True]
    cut = attrs.evolve(bandit(), terminated=np.zeros(2_000, np.bool_))
    with pytest.raises(ValueError, match="two steps or more"):
        steps_of(experiment(tmp_path, SETTINGS, cut).context(Run("rebrac", 0)))


@pytest.mark.parametrize("penalty", [2.0, 0.7])
def test_the_policy_is_the_closed_forms(tmp_path: Path, penalty: float) -> None:
    """The least penalty (u + 0.2)^2 - (4 + 2 u) / |Q|, of u in -1 to 1."""
    settings = attrs.evolve(SETTINGS, actor_penalty=penalty)
    context = experiment(tmp_path, settings, bandit()).context(Run("rebrac", 0))
    training = begin(context)
    for step in range(settings.steps):
        training.update(step)
    seen = torch.randn(100, 3, generator=torch.Generator().manual_seed(9))
    networks = training.modules["networks"]
    assert isinstance(networks, Networks)
    best = -0.2
    for _ in range(20):  # the size of Q is that at the policy's own actions
        best = 1.0 / (penalty * (4.0 + 2.0 * best)) - 0.2
    chosen = float(networks.act(seen).detach().mean())
    assert chosen == pytest.approx(best, abs=0.03)


def test_fresh_layers_are_drawn_as_published() -> None:
    draws = torch.Generator().manual_seed(0)
    made = layers((4, 16, 16, 2), 1e-3, draws, norm=True)
    kinds = [type(module).__name__ for module in made]
    assert kinds == ["Linear", "ReLU", "LayerNorm"] * 2 + ["Linear"]
    first, last = made[0], made[-1]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    assert 0.4 < float(first.weight.detach().abs().max()) <= 0.5
    assert float(last.weight.detach().abs().max()) <= 1e-3
    assert first.bias.tolist() == pytest.approx([0.1] * 16)


def test_a_run_is_trained_once_and_other_settings_anew(tmp_path: Path) -> None:
    short = attrs.evolve(SETTINGS, steps=3)
    first = experiment(tmp_path, short, bandit()).execute(Run("rebrac", 0))
    assert first.budget["steps"] == 3
    assert len(first.returns) == 2
    assert experiment(tmp_path, short, bandit()).finished(Run("rebrac", 0)) == first
    other = attrs.evolve(short, actor_penalty=1.0)
    assert experiment(tmp_path, other, bandit()).finished(Run("rebrac", 0)) is None
    assert len(list(tmp_path.glob("drawn/rebrac-seed0-*/networks.npz"))) == 1
