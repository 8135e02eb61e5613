"""What the public functions say about what they can't use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tt_critic import (
    IQLConfig,
    Networks,
    Transitions,
    as_batch,
    as_critic,
    draw_batch,
    load,
    locomotion_rewards,
    perceptron,
    save,
    train_critic,
)

DATA = Transitions(
    np.zeros((4, 2)), np.zeros((4, 1)), np.zeros(4), np.zeros((4, 2)), np.zeros(4, bool)
)
CRITIC = as_critic(Networks(2, 1, (4,)))
DRAWS = torch.Generator()


@pytest.mark.parametrize("device", ["nonsense", "CPU", "0", ""])
def test_a_device_that_torch_can_not_use_is_refused(
    device: str, tmp_path: Path
) -> None:
    path = tmp_path / "critic.safetensors"
    save(CRITIC, path)
    calls: list[Callable[[], object]] = [
        lambda: as_batch(DATA, device=device),
        lambda: train_critic(DATA, IQLConfig(steps=1), device=device),
        lambda: load(path, device),
        lambda: CRITIC.to(device),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=f"here, got '{device}' .*give 'cpu'"):
            call()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"observation": -1}, "observation must be .* of at least 1, got -1"),
        ({"action": 1.0}, "action must be a whole number of at least 1, got 1.0"),
        ({"hidden": (4, -4)}, r"hidden must hold .* whole numbers, got \(4, -4\)"),
        ({"hidden": (1.5,)}, r"hidden must hold .* whole numbers, got \(1.5,\)"),
        ({"hidden": 4}, "hidden must hold 0 or more positive whole numbers, got 4"),
        ({"seed": 1.0}, "seed must be a whole number from .*, got 1.0"),
        ({"seed": 2**64}, "seed must be a whole number from .*, got 18446744073709551"),
    ],
)
def test_networks_of_no_such_size_are_refused(
    changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Networks(**{"observation": 2, "action": 1, "hidden": (4,), **changed})


def test_widths_may_be_of_any_whole_type_and_none_at_all() -> None:
    chosen: Any = [np.int64(4)]
    assert Networks(2, 1, chosen).hidden == (4,)
    assert len(perceptron(2, (), 1, DRAWS)) == 1


@pytest.mark.parametrize("size", [-1, 0, 1.5, True])
def test_a_perceptron_or_batch_of_no_such_size_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match=r"outputs must be .* of at least 1"):
        perceptron(2, (4,), size, DRAWS)
    with pytest.raises(ValueError, match=r"size must be .* of at least 1"):
        draw_batch(as_batch(DATA), size, DRAWS)


@pytest.mark.parametrize("numbers", [[["a", "b"]], [[None, None]], np.array([["0"]])])
def test_a_critic_refuses_what_is_no_number(numbers: Any) -> None:
    for call in (CRITIC.v, CRITIC.act):
        with pytest.raises(ValueError, match="observation must hold real numbers"):
            call(numbers)
    with pytest.raises(ValueError, match="action must hold real numbers"):
        CRITIC.q([[0.0, 0.0]], numbers)


def test_returns_too_near_each_other_are_not_put_1000_apart() -> None:
    with pytest.raises(ValueError, match="scaled rewards must fit into float32"):
        locomotion_rewards([0.0, 1e-310], [1, 2])
