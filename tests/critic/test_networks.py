from pathlib import Path

import pytest
import torch
from torch import nn

from tt_critic import (
    IQLConfig,
    Networks,
    as_critic,
    descend,
    load,
    make_optimizers,
    perceptron,
    polyak_update,
    save,
)

OBSERVATIONS, ACTIONS = torch.randn(5, 3), torch.rand(5, 2) - 0.5


def networks() -> Networks:
    made = Networks(3, 2, (16, 8), seed=1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return made


def test_a_first_perceptron_predicts_near_zero_by_orthogonal_weights() -> None:
    modules = perceptron(4, (32, 32), 2, torch.Generator().manual_seed(0))
    first = next(modules.parameters())
    torch.testing.assert_close(first.T @ first, 2 * torch.eye(4))
    assert modules(torch.randn(100, 4)).abs().max() < 0.2


def test_networks_are_drawn_from_their_seed_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, again, other = (Networks(3, 2, (8,), seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])
    assert not torch.equal(
        first.q(OBSERVATIONS, ACTIONS), other.q(OBSERVATIONS, ACTIONS)
    )
    twins = first.q(OBSERVATIONS, ACTIONS)
    assert not torch.equal(twins[0], twins[1])
    assert torch.equal(twins, first.target_q(OBSERVATIONS, ACTIONS))


def test_a_step_moves_what_the_optimizer_holds_and_nothing_else() -> None:
    made = networks()
    before = {name: weight.clone() for name, weight in made.state_dict().items()}
    optimizers = make_optimizers(made, IQLConfig())
    chosen = made.policy(OBSERVATIONS)
    loss = -made.q(OBSERVATIONS, chosen).mean() + made.v(OBSERVATIONS).mean()
    descend(loss, optimizers.policy)
    moved = {
        name
        for name, weight in made.state_dict().items()
        if not torch.equal(weight, before[name])
    }
    assert moved == {name for name in before if name.startswith("policy.mean.")}
    assert all(weight.grad is None for weight in made.q.parameters())


def test_a_polyak_update_moves_a_share_of_the_way() -> None:
    target, source = nn.Linear(2, 3), nn.Linear(2, 3)
    expected = 0.75 * target.weight + 0.25 * source.weight
    kept = source.weight.clone()
    polyak_update(target, source, 0.25)
    torch.testing.assert_close(target.weight, expected)
    assert torch.equal(source.weight, kept)


def test_networks_answer_the_same_as_a_critic_that_was_saved(tmp_path: Path) -> None:
    made = networks()
    save(as_critic(made, bounds=(-1.0, [0.1, 2.0])), tmp_path / "critic.safetensors")
    critic = load(tmp_path / "critic.safetensors")
    q, v = made.q(OBSERVATIONS, ACTIONS).amin(0), made.v(OBSERVATIONS)
    torch.testing.assert_close(critic.q(OBSERVATIONS, ACTIONS), q.detach())
    torch.testing.assert_close(
        critic.advantage(OBSERVATIONS, ACTIONS), (q - v).detach()
    )
    lowest, highest = torch.tensor([-1.0, -1.0]), torch.tensor([0.1, 2.0])
    action = made.policy(OBSERVATIONS).clamp(lowest, highest)
    torch.testing.assert_close(critic.act(OBSERVATIONS), action.detach())
    assert torch.equal(critic.log_deviation, made.policy.log_deviation)


def test_a_critic_of_networks_is_a_copy_and_needs_usable_bounds() -> None:
    made = networks()
    critic = as_critic(made)
    before = critic.v(OBSERVATIONS)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
    assert torch.equal(critic.v(OBSERVATIONS), before)
    assert critic.log_deviation.abs().min() > 0
    with pytest.raises(ValueError, match="low below high"):
        as_critic(made, bounds=(1.0, -1.0))
