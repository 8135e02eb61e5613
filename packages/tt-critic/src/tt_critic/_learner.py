"""The updates of `_iql`, with all networks in one stack and gradients by hand.

All losses of an update are taken at the same parameters, then all networks move, so
one batched product serves all seven evaluations: V of the next observation, two target
Q, V, two Q and the policy. It also serves critics of several seeds, each with its own
batches, as none sees another.

Axes: S seeds, B batch, Do numbers of an observation, Da of an action.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tt_critic._config import IQLConfig
from tt_critic._critic import NETWORKS, POLICY, VALUE, Q, stack_shape, to_rows
from tt_critic._gradients import (
    bellman_gradient,
    expectile_gradient,
    policy_gradient,
    tanh_gradient,
)
from tt_critic._iql import Losses, cosine
from tt_critic._losses import (
    advantage_weights,
    bellman_loss,
    bellman_target,
    expectile_loss,
    gaussian_log_probability,
    policy_loss,
)
from tt_critic._networks import HIGHEST, LOWEST, Networks
from tt_critic._stack import Workspace
from tt_critic._transitions import Sizes, unpack

_COPIES = 3  # rows in front of the trained ones: a copy of V, two target Q
_EAGER_UPDATES = 3  # before a CUDA graph is captured, so that libraries are loaded


class _Targets(NamedTuple):
    """Hold what the losses take as constants: [S, B] each."""

    advantages: Tensor
    q: Tensor
    weights: Tensor


class Learner:
    """Hold everything that changes while critics of several seeds are trained."""

    def __init__(
        self,
        data: Tensor,
        sizes: Sizes,
        config: IQLConfig,
        seeds: Sequence[int],
        *,
        cuda_graph: bool = False,
    ) -> None:
        """Start from fresh networks.

        Args:
            data: Packed transitions [N, 2 Do + Da + 2]; device and precision follow it.
            sizes: Of an observation and an action.
            config: Settings, but for the seed.
            seeds: One a critic.
            cuda_graph: Whether updates are replayed from a CUDA graph.
        """
        self._data, self._config = data, config
        trained = torch.stack([self._fresh(sizes, seed) for seed in seeds], 1)
        self.networks = torch.cat([trained[:_COPIES], trained])  # [7, S, size]
        self.log_deviation = data.new_zeros(len(seeds), sizes.action)
        self._gradient = torch.zeros_like(trained)
        self._optimizer = self._make_optimizer(config.learning_rate, cuda_graph)
        rates = [1.0, config.target_rate, config.target_rate]  # of V's copy, targets
        self._rates = data.new_tensor(rates)[:, None, None]
        self._generators = [
            torch.Generator(data.device).manual_seed(seed) for seed in seeds
        ]
        self._make_buffers(sizes)
        self._until_capture = _EAGER_UPDATES if cuda_graph else -1  # below 0: never
        self._learn: Callable[[], None] = self._learn_now

    def _fresh(self, sizes: Sizes, seed: int) -> Tensor:
        """Draw the networks of a critic: [4, size]."""
        config = self._config
        gain = config.output_gain
        networks = Networks(
            sizes.observation, sizes.action, config.hidden, seed, output_gain=gain
        )
        return to_rows(networks).to(self._data)

    @property
    def trained(self) -> Tensor:
        """The networks that critics keep: [4, S, size]."""
        return self.networks[_COPIES:]

    def _make_optimizer(self, rate: float, cuda_graph: bool) -> torch.optim.Adam:
        critic, policy = self.trained[: POLICY.start], self.trained[POLICY]
        critic.grad = self._gradient[: POLICY.start]
        policy.grad = self._gradient[POLICY]
        self.log_deviation.grad = torch.zeros_like(self.log_deviation)
        groups = [
            {"params": [critic], "lr": rate},
            {"params": [policy, self.log_deviation], "lr": rate},
        ]
        if cuda_graph:  # a graph reads the rate that changes from memory
            groups[1]["lr"] = self._data.new_tensor(rate)
        return torch.optim.Adam(groups, fused=True, capturable=cuda_graph)

    def _make_buffers(self, sizes: Sizes) -> None:
        batch, config = self._config.batch, self._config
        seeds = len(self._generators)
        shape = stack_shape(sizes.observation, sizes.action, config.hidden)
        self._index = torch.empty(
            seeds, batch, dtype=torch.int64, device=self._data.device
        )
        self._rows = self._data.new_empty(seeds * batch, self._data.shape[1])
        self._batch = unpack(self._rows.view(seeds, batch, -1), sizes)
        rows, gradient = self.networks.flatten(0, 1), self._gradient.flatten(0, 1)
        self._workspace = Workspace(shape, rows, gradient, batch)
        networks = len(self.networks), seeds
        self._inputs = self._workspace.inputs.view(*networks, -1, batch)
        self._output_gradient = self._data.new_zeros(
            NETWORKS, seeds, sizes.action, batch
        )
        no_action = [_COPIES + VALUE.start, _COPIES + POLICY.start]
        self._input_mask = self._data.new_ones(len(self.networks), 1, shape.inputs, 1)
        self._input_mask[no_action, :, sizes.observation :] = 0.0
        outputs = self._workspace.outputs.view(*networks, -1, batch)
        copies, trained = torch.split(outputs, [_COPIES, NETWORKS])
        self._next_value, self._target_q = copies[0, :, 0], copies[1:, :, 0]
        self._value, self._q = trained[VALUE.start, :, 0], trained[Q, :, 0]
        self._policy = trained[POLICY.start]

    def update(self, step: int) -> None:
        """Draw batches and move all networks; ``step`` counts updates from 0."""
        rate = self._config.learning_rate * cosine(step, self._config.steps)
        self._set_policy_rate(rate)
        for index, generator in zip(self._index, self._generators, strict=True):
            index.random_(0, len(self._data), generator=generator)
        if self._until_capture == 0:
            self._learn = _captured(self._learn_now)
        self._until_capture -= 1
        self._learn()

    def _set_policy_rate(self, rate: float) -> None:
        policy = self._optimizer.param_groups[1]
        if isinstance(policy["lr"], Tensor):
            policy["lr"].fill_(rate)
        else:
            policy["lr"] = rate

    def _learn_now(self) -> None:
        torch.index_select(self._data, 0, self._index.flatten(), out=self._rows)
        inputs, batch = self._inputs, self._batch
        inputs[0, :, : batch.next_observation.shape[1]] = batch.next_observation
        torch.mul(batch.pair, self._input_mask[1:], out=inputs[1:])
        self._workspace.evaluate()
        self._write_output_gradient()
        self._workspace.differentiate(self._output_gradient.flatten(0, 1))
        self._optimizer.step()
        self.log_deviation.clamp_(LOWEST, HIGHEST)
        self.networks[:_COPIES].lerp_(self.trained[:_COPIES], self._rates)

    def _targets(self) -> _Targets:
        advantages = self._target_q.amin(0) - self._value
        _, _, _, reward, termination = self._batch
        discount, temperature = self._config.discount, self._config.temperature
        targets = bellman_target(reward, self._next_value, termination, discount)
        return _Targets(advantages, targets, advantage_weights(advantages, temperature))

    def _mean(self) -> Tensor:
        """Return the policy's mean actions: [S, Da, B]."""
        return torch.tanh(self._policy) if self._config.tanh else self._policy

    def _write_output_gradient(self) -> None:
        advantages, targets, weights = self._targets()
        value = expectile_gradient(advantages, self._config.expectile)
        mean = self._mean()
        policy, log_deviation = policy_gradient(
            self._batch.action, mean, self.log_deviation, weights
        )
        if self._config.tanh:
            policy = tanh_gradient(policy, mean)
        self._output_gradient[VALUE.start, :, 0] = value
        self._output_gradient[Q, :, 0] = bellman_gradient(self._q, targets)
        self._output_gradient[POLICY.start] = policy
        if self.log_deviation.grad is not None:
            self.log_deviation.grad.copy_(log_deviation)

    def losses(self) -> list[Losses]:
        """Return each critic's losses of its last batch, as before its update.

        Only the policy's log-deviation is read after it.
        """
        advantages, targets, weights = self._targets()
        likelihoods = gaussian_log_probability(
            self._batch.action.mT, self._mean().mT, self.log_deviation[:, None]
        )
        return [
            Losses(
                expectile_loss(advantages[row], self._config.expectile),
                bellman_loss(self._q[:, row], targets[row]),
                policy_loss(likelihoods[row], weights[row]),
            )
            for row in range(len(self._generators))
        ]

    @property
    def learning_rate(self) -> float:
        """The rate of the first update."""
        return self._config.learning_rate

    def is_finite(self) -> bool:
        """Say whether all that the next update depends on is finite."""
        kept = [self.networks, self.log_deviation]
        for moments in self._optimizer.state.values():
            kept += moments.values()
        return all(bool(tensor.isfinite().all()) for tensor in kept)

    def states(self) -> list[dict[str, Tensor]]:
        """Return all that each critic's next update depends on, the data aside."""
        return [self._state(row) for row in range(len(self._generators))]

    def _state(self, row: int) -> dict[str, Tensor]:
        state = {
            "networks": self.networks[:, row],
            "log_deviation": self.log_deviation[row],
            "generator": self._generators[row].get_state(),
        }
        for index, moments in self._optimizer.state_dict()["state"].items():
            for name, value in moments.items():  # a count, or [..., S, numbers]
                own = value.select(-2, row) if value.ndim > 1 else value.clone()
                state[f"adam.{index}.{name}"] = own
        return state

    def restore(self, states: Sequence[Mapping[str, Tensor]]) -> None:
        """Continue from what `states` returned.

        Raises:
            ValueError: If a shape is not this learner's, or a number is not finite.
        """
        for state in states:
            self._check(state)
        self.networks.copy_(torch.stack([state["networks"] for state in states], 1))
        self.log_deviation.copy_(torch.stack([s["log_deviation"] for s in states]))
        for generator, state in zip(self._generators, states, strict=True):
            generator.set_state(state["generator"])
        moments: dict[int, dict[str, Tensor]] = {}
        for key in filter(lambda key: key.startswith("adam."), states[0]):
            _, index, name = key.split(".")
            own = [state[key] for state in states]
            joined = torch.stack(own, -2) if own[0].ndim else own[0]
            moments.setdefault(int(index), {})[name] = joined
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})

    def _check(self, state: Mapping[str, Tensor]) -> None:
        """Compare a critic's state with this learner's shapes."""
        moved = self.trained[: POLICY.start], self.trained[POLICY], self.log_deviation
        shapes = {"networks": self.networks[:, 0].shape}
        shapes["log_deviation"] = self.log_deviation[0].shape
        for index, parameter in enumerate(moved):
            for name in ("exp_avg", "exp_avg_sq"):
                shapes[f"adam.{index}.{name}"] = parameter.select(-2, 0).shape
        for name, shape in shapes.items():
            if state[name].shape != shape or not state[name].isfinite().all():
                raise ValueError(
                    f"a checkpoint's {name} must be finite and of shape {list(shape)}, "
                    f"got shape {list(state[name].shape)}; delete it to begin anew."
                )


def _captured(work: Callable[[], None]) -> Callable[[], None]:
    """Record work on the current CUDA device and return what replays it."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay
