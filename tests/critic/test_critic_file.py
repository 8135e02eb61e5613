import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tt_critic import (
    Critic,
    IQLConfig,
    Transitions,
    as_batch,
    load,
    save,
    train_critic,
)
from tt_critic._critic import stack_shape


def critic() -> Critic:
    generator = torch.Generator().manual_seed(0)
    size = stack_shape(3, 2, (16, 8)).size
    return Critic(
        observation_size=3,
        action_size=2,
        hidden=(16, 8),
        networks=torch.randn(4, size, generator=generator),
        log_deviation=torch.randn(2, generator=generator),
        bounds=torch.tensor([[-1.0, -2.0], [1.0, 2.0]]),
    )


def test_a_saved_critic_answers_the_same(tmp_path: Path) -> None:
    path = tmp_path / "new" / "critic.safetensors"
    first = critic()
    save(first, path)
    second = load(path)
    observation, action = torch.randn(5, 3), torch.randn(5, 2)
    assert torch.equal(first.q(observation, action), second.q(observation, action))
    assert torch.equal(first.v(observation), second.v(observation))
    assert torch.equal(first.act(observation), second.act(observation))
    assert torch.equal(first.log_deviation, second.log_deviation)
    assert second.hidden == first.hidden


def test_a_policy_with_a_tanh_stays_one(tmp_path: Path) -> None:
    path, observation = tmp_path / "critic.safetensors", torch.randn(5, 3)
    plain = attrs.evolve(critic(), bounds=torch.tensor([[-9e9] * 2, [9e9] * 2]))
    save(attrs.evolve(plain, tanh=True), path)
    acted = load(path).act(observation)
    assert torch.equal(acted, torch.tanh(plain.act(observation)))
    save(plain, path)
    assert b"tanh" not in path.read_bytes()  # as it was before there was one
    assert not load(path).tanh


@pytest.mark.parametrize("kept", [0, 5, 300, -1])
def test_a_truncated_critic_is_one_clear_error(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "critic.safetensors"
    save(critic(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(
        ValueError, match=r"critic\.safetensors .* truncated or damaged"
    ):
        load(path)


def test_another_kind_and_another_version_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="got format None"):
        load(path)
    save_file({"a": torch.zeros(1)}, path, {"format": "tt-critic", "version": "7"})
    with pytest.raises(ValueError, match="must have version 1, got '7'"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing.safetensors")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be a tt-critic file, got a folder"):
        save(critic(), tmp_path)
    with pytest.raises(ValueError, match="must be a tt-critic file, got a folder"):
        load(tmp_path)
    assert not list(tmp_path.iterdir())


def test_arrays_that_cannot_be_written_to_are_taken_without_a_warning() -> None:
    observation, action = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    expected = critic().q(observation, action), critic().act(observation)
    for array in (observation, action):
        array.setflags(write=False)
    assert torch.equal(critic().q(observation, action), expected[0])
    assert torch.equal(critic().act(observation), expected[1])


def test_q_is_the_lower_twin_and_the_advantage_its_difference_to_v() -> None:
    both = critic()
    observation, action = torch.randn(9, 3), torch.randn(9, 2)
    twins = []
    for row in (1, 2):
        networks = both.networks[[0, row, row, 3]]
        twins.append(attrs.evolve(both, networks=networks).q(observation, action))
    q = both.q(observation, action)
    torch.testing.assert_close(q, torch.minimum(*twins))
    torch.testing.assert_close(
        both.advantage(observation, action), q - both.v(observation)
    )


def test_actions_stay_in_the_space_and_depend_on_the_observation_alone() -> None:
    actions = critic().act(100 * torch.randn(50, 3))
    assert actions.shape == (50, 2)
    assert actions.abs().amax(0).tolist() == [1.0, 2.0]


def test_observations_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"observation must have shape \[B, 3\], got \[2, 4\]"
    ):
        critic().v(torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"action must have shape \[B, 2\], got \[2\]"):
        critic().q(torch.zeros(1, 3), torch.zeros(2))
    with pytest.raises(ValueError, match="equal lengths, got 1 and 2"):
        critic().q(torch.zeros(1, 3), torch.zeros(2, 2))


def test_q_follows_the_gradient_of_the_action() -> None:
    action = torch.zeros(1, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(
        critic().q(torch.ones(1, 3), action).sum(), action
    )
    moved = critic().q(torch.ones(1, 3), 1e-3 * gradient)
    assert moved.item() > critic().q(torch.ones(1, 3), action).item()


def earlier(path: Path, tensors: dict[str, torch.Tensor], **changes: Any) -> None:
    """Write what an earlier version would have, with changes of the sizes."""
    facts = {"observation_size": 3, "action_size": 2, "hidden": (16, 8), **changes}
    facts = {name: value for name, value in facts.items() if value != "absent"}
    header = {"format": "tt-critic", "version": "1", "facts": json.dumps(facts)}
    save_file(tensors, path, header)


def parts(**changes: torch.Tensor) -> dict[str, torch.Tensor]:
    both = critic()
    return {
        "networks": both.networks,
        "log_deviation": both.log_deviation,
        "bounds": both.bounds,
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"observation_size": 21},
        {"observation_size": 10**30},
        {"observation_size": -3},
        {"observation_size": 3.0},
        {"observation_size": True},
        {"action_size": "2"},
        {"action_size": None},
        {"action_size": "absent"},
        {"hidden": []},
        {"hidden": [16]},
        {"hidden": 16},
        {"hidden": [[16], 8]},
        {"hidden": [10**9, 10**9]},
    ],
)
def test_sizes_that_are_not_the_tensors_are_refused(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "critic.safetensors"
    earlier(path, parts())
    assert torch.equal(load(path).networks, critic().networks)
    earlier(path, parts(), **changes)
    with pytest.raises(ValueError, match=r"critic\.safetensors does not hold a critic"):
        load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"networks": torch.zeros(4, 100)},
        {"networks": torch.zeros(100)},
        {"networks": critic().networks * torch.nan},
        {"networks": critic().networks.int()},
        {"log_deviation": torch.zeros(3)},
        {"bounds": torch.zeros(2, 3)},
        {"bounds": torch.zeros(2, 2)},
        {"bounds": torch.tensor([[-1.0, -1.0], [1.0, torch.inf]])},
    ],
)
def test_tensors_that_are_no_critic_are_refused(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "critic.safetensors"
    earlier(path, parts(**changes))
    with pytest.raises(ValueError, match=r"critic\.safetensors does not hold a critic"):
        load(path)
    with pytest.raises(ValueError, match="must be"):
        attrs.evolve(critic(), **changes)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has what is said to be missing")
@pytest.mark.parametrize("device", ["cuda", "cuda:7", "nowhere", "meta"])
def test_a_device_that_is_not_there_is_one_error(device: str, tmp_path: Path) -> None:
    path = tmp_path / "critic.safetensors"
    save(critic(), path)
    data = Transitions(
        np.ones((3, 1)), np.zeros((3, 1)), np.ones(3), np.ones((3, 1)), np.zeros(3)
    )
    for use in (
        lambda: load(path, device),
        lambda: critic().to(device),
        lambda: as_batch(data, device=device),
        lambda: train_critic(data, IQLConfig(steps=1), device=device),
    ):
        with pytest.raises(ValueError, match="expected a device that"):
            use()
