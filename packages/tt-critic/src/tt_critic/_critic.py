"""A trained critic: Q, V, advantage and the policy's action, and its file."""

import os
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from attrs.validators import instance_of
from torch import Tensor

from tt_critic import _files
from tt_critic._device import usable_device
from tt_critic._networks import Networks
from tt_critic._stack import Shape, evaluate, to_row
from tt_critic._transitions import Bounds, check_bounds

VALUE, Q, POLICY = slice(0, 1), slice(1, 3), slice(3, 4)  # rows of a critic
NETWORKS = 4
_KIND = "tt-critic"


def stack_shape(observation: int, action: int, hidden: tuple[int, ...]) -> Shape:
    """Return the shape that fits V (Do to 1), Q (Do + Da to 1), policy (Do to Da)."""
    return Shape(observation + action, hidden, action)


def to_rows(networks: Networks) -> Tensor:
    """Lay V, both Q and the mean of the policy out as rows of a stack: [4, size]."""
    shape = stack_shape(
        networks.observation_size, networks.action_size, networks.hidden
    )
    q, policy = networks.q, networks.policy
    parts = networks.value, q.first, q.second, policy.mean
    return torch.stack([to_row(shape, part) for part in parts])


@attrs.frozen(eq=False, kw_only=True)
class Critic:
    """Hold V, twin Q and a Gaussian policy that were trained on offline transitions.

    Methods take tensors or arrays and answer on the critic's device, in its precision.

    Raises:
        ValueError: If sizes, shapes and types of its parts contradict each other, or a
            number is not finite.

    Attributes:
        observation_size: Do, numbers of an observation.
        action_size: Da, numbers of an action.
        hidden: Widths of the hidden layers.
        networks: [4, size]: V, first Q, second Q and policy, one network a row.
        log_deviation: [Da], of the policy.
        bounds: [2, Da], lowest and highest action.
        tanh: Whether the policy's mean is the tanh of what its network returns.
    """

    observation_size: int
    action_size: int
    hidden: tuple[int, ...]
    networks: Tensor = attrs.field(repr=False)
    log_deviation: Tensor = attrs.field(repr=False)
    bounds: Tensor = attrs.field(repr=False)
    tanh: bool = attrs.field(default=False, validator=instance_of(bool))

    def __attrs_post_init__(self) -> None:
        """Check the parts against the sizes."""
        counts = [self.observation_size, self.action_size, *self.hidden]
        if not self.hidden or not all(type(n) is int and n > 0 for n in counts):
            raise ValueError(
                "sizes and hidden widths must be positive whole numbers, got "
                f"{counts[0]!r}, {counts[1]!r} and {self.hidden!r}."
            )
        size = stack_shape(self.observation_size, self.action_size, self.hidden).size
        _check_part("networks", self.networks, [NETWORKS, size])
        _check_part("log_deviation", self.log_deviation, [self.action_size])
        _check_part("bounds", self.bounds, [2, self.action_size])
        if not (self.bounds[0] < self.bounds[1]).all():
            raise ValueError(f"bounds must be low below high, got {self.bounds}.")

    def q(self, observation: Any, action: Any) -> Tensor:
        """Estimate the discounted return of an action, then of the policy.

        Args:
            observation: [B, Do].
            action: [B, Da].

        Returns:
            [B], the lower of the two Q.

        Raises:
            ValueError: If a shape does not fit the critic.
        """
        observations, actions = self._observation(observation), self._action(action)
        if len(observations) != len(actions):
            raise ValueError(
                "observation and action must have equal lengths, got "
                f"{len(observations)} and {len(actions)}; repeat the shorter one."
            )
        pairs = torch.cat([observations, actions], 1).mT.expand(2, -1, -1)
        return self._run(Q, pairs)[:, 0].amin(0)

    def v(self, observation: Any) -> Tensor:
        """Estimate the value of observations [B, Do]: [B].

        Raises:
            ValueError: If the shape does not fit the critic.
        """
        return self._run(VALUE, self._observation(observation).mT[None])[0, 0]

    def advantage(self, observation: Any, action: Any) -> Tensor:
        """Subtract V from Q: [B, Do], [B, Da] -> [B].

        Raises:
            ValueError: If a shape does not fit the critic.
        """
        return self.q(observation, action) - self.v(observation)

    def act(self, observation: Any) -> Tensor:
        """Return the policy's mean action for [B, Do], clipped to the bounds: [B, Da].

        Raises:
            ValueError: If the shape does not fit the critic.
        """
        mean = self._run(POLICY, self._observation(observation).mT[None])[0].mT
        mean = torch.tanh(mean) if self.tanh else mean
        return mean.clamp(self.bounds[0], self.bounds[1])

    def to(self, device: torch.device | str) -> "Critic":
        """Return the critic with its tensors on another device.

        Raises:
            ValueError: If there is no such device.
        """
        device = usable_device(device)
        return attrs.evolve(
            self,
            networks=self.networks.to(device),
            log_deviation=self.log_deviation.to(device),
            bounds=self.bounds.to(device),
        )

    def _run(self, rows: slice, inputs: Tensor) -> Tensor:
        shape = stack_shape(self.observation_size, self.action_size, self.hidden)
        return evaluate(shape.layers(self.networks[rows]), inputs)

    def _observation(self, given: Any) -> Tensor:
        return self._checked("observation", given, self.observation_size)

    def _action(self, given: Any) -> Tensor:
        return self._checked("action", given, self.action_size)

    def _checked(self, name: str, given: Any, size: int) -> Tensor:
        if isinstance(given, np.ndarray):  # torch warns of one that can't be written to
            given = np.require(given, requirements="W")
        try:
            tensor = torch.as_tensor(
                given, dtype=self.networks.dtype, device=self.networks.device
            )
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must hold real numbers: {error}.") from error
        if tensor.ndim != 2 or tensor.shape[1] != size:
            raise ValueError(
                f"{name} must have shape [B, {size}], got {list(tensor.shape)}; the "
                f"critic was trained with {self.observation_size} numbers an "
                f"observation and {self.action_size} an action."
            )
        return tensor


def _check_part(name: str, tensor: Tensor, shape: list[int]) -> None:
    if list(tensor.shape) != shape or not tensor.is_floating_point():
        raise ValueError(
            f"{name} must be floating-point numbers of shape {shape}, got "
            f"{tensor.dtype} of shape {list(tensor.shape)}."
        )
    if not tensor.isfinite().all():
        raise ValueError(f"{name} must be finite; its training diverged.")


def as_critic(networks: Networks, bounds: Bounds = (-1.0, 1.0)) -> Critic:
    """Copy networks, trained by whatever method, into a critic that acts and is saved.

    Args:
        networks: Stay as they are.
        bounds: Action space, (low, high), each a number or [Da].

    Returns:
        The critic, on the networks' device and in their precision.

    Raises:
        ValueError: If the bounds are unusable.
    """
    rows, space = to_rows(networks), check_bounds(bounds, networks.action_size)
    return Critic(
        observation_size=networks.observation_size,
        action_size=networks.action_size,
        hidden=networks.hidden,
        networks=rows,
        log_deviation=networks.policy.log_deviation.detach().clone(),
        bounds=torch.from_numpy(space).to(rows),
        tanh=networks.policy.tanh,
    )


def save(critic: Critic, path: str | os.PathLike[str]) -> None:
    """Write a critic to one safetensors file, in one step.

    Args:
        critic: To write.
        path: Of the file; its folder is made if needed.

    Raises:
        ValueError: If the path is a folder's.
        OSError: If the file can't be written; the error names it.
    """
    tensors = {
        "networks": critic.networks,
        "log_deviation": critic.log_deviation,
        "bounds": critic.bounds,
    }
    facts = {
        "observation_size": critic.observation_size,
        "action_size": critic.action_size,
        "hidden": critic.hidden,
        **({"tanh": True} if critic.tanh else {}),
    }
    _files.write(Path(path), _KIND, tensors, facts)


def load(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> Critic:
    """Read a critic that `save` wrote.

    Args:
        path: Of the file.
        device: Where its tensors go.

    Returns:
        The critic.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated, altered, no critic, of an unknown version
            or contradicts itself, or there is no such device.
        OSError: If the file can't be read; the error names it.
    """
    chosen = usable_device(device)
    tensors, facts = _files.read(Path(path), _KIND)
    try:
        critic = Critic(
            observation_size=facts["observation_size"],
            action_size=facts["action_size"],
            hidden=tuple(facts["hidden"]),
            networks=tensors["networks"],
            log_deviation=tensors["log_deviation"],
            bounds=tensors["bounds"],
            tanh=facts.get("tanh", False),
        )
    except KeyError as error:
        raise ValueError(f"{path} does not hold a critic: it lacks {error}.") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} does not hold a critic: {error}") from error
    return critic.to(chosen)
