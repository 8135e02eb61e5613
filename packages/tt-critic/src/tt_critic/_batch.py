"""Transitions as tensors: all of them, or a batch that was drawn.

Axes: B batch, Do numbers of an observation, Da of an action.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from tt_critic._device import usable_device
from tt_critic._input import whole
from tt_critic._transitions import Bounds, Transitions, as_float32, check_data


class Batch(NamedTuple):
    """Hold B transitions as tensors of one device and precision.

    Attributes:
        observations: [B, Do].
        actions: [B, Da].
        rewards: [B].
        next_observations: [B, Do].
        terminations: [B], bool or 0 / 1; a time limit is no termination.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    next_observations: Tensor
    terminations: Tensor


def as_batch(
    transitions: Transitions,
    bounds: Bounds = (-1.0, 1.0),
    device: torch.device | str = "cpu",
) -> Batch:
    """Check transitions and copy them all to a device, in float32.

    Args:
        transitions: The data.
        bounds: Action space, (low, high), each a number or [Da].
        device: Where the tensors go.

    Returns:
        All N transitions.

    Raises:
        ValueError: If the transitions, the bounds or the device are unusable.
    """
    device = usable_device(device)
    check_data(transitions, bounds)
    columns = map(as_float32, Transitions._fields, transitions)
    return Batch(*(torch.tensor(column, device=device) for column in columns))


def draw_batch(batch: Batch, size: int, generator: torch.Generator) -> Batch:
    """Draw ``size`` transitions with replacement, on the generator's device.

    Raises:
        ValueError: If ``size`` is no whole number of at least 1.
    """
    count, device = len(batch.rewards), generator.device
    shape = (whole(size, "size", 1),)
    rows = torch.randint(count, shape, generator=generator, device=device)
    return Batch(*(column[rows] for column in batch))
