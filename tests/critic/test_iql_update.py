import math
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.functional import gaussian_nll_loss

from tt_critic import IQLConfig
from tt_critic._critic import stack_shape
from tt_critic._learner import Learner
from tt_critic._stack import Shape
from tt_critic._transitions import Sizes

OBSERVATION, ACTION = 3, 2
CONFIG = IQLConfig(
    expectile=0.8, target_rate=0.1, batch=16, learning_rate=1e-2, hidden=(8, 8), steps=9
)


def packed(count: int) -> Tensor:
    data = torch.randn(count, 2 * OBSERVATION + ACTION + 2, dtype=torch.float64)
    data[:, -1] = (torch.rand(count) < 0.2).double()
    return data


def cut(shape: Shape, row: Tensor, inputs: int, outputs: int) -> nn.Sequential:
    """Build an ordinary network from the part of a row that is in use."""
    modules: list[nn.Module] = []
    layers = shape.layers(row[None])
    for index, (weight, bias) in enumerate(layers):
        used = weight[0][:outputs] if index == len(layers) - 1 else weight[0]
        used = used[:, :inputs] if index == 0 else used
        linear = nn.Linear(used.shape[1], used.shape[0], dtype=row.dtype)
        linear.weight.data = used.clone()
        linear.bias.data = bias[0, : used.shape[0], 0].clone()
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


class Plain:
    """Implicit Q-learning with separate networks and automatic differentiation."""

    def __init__(self, learner: Learner, shape: Shape) -> None:
        v, first, second, policy = learner.trained
        pair = OBSERVATION + ACTION
        self.v = cut(shape, v, OBSERVATION, 1)
        self.twins = nn.ModuleList([cut(shape, q, pair, 1) for q in (first, second)])
        self.targets = deepcopy(self.twins)
        self.policy = cut(shape, policy, OBSERVATION, ACTION)
        self.log_deviation = nn.Parameter(torch.zeros(ACTION, dtype=torch.float64))
        critics = [*self.v.parameters(), *self.twins.parameters()]
        actor = [*self.policy.parameters(), self.log_deviation]
        groups = [{"params": critics}, {"params": actor}]
        self.optimizer = torch.optim.Adam(groups, CONFIG.learning_rate)

    def loss(self, rows: Tensor) -> Tensor:
        widths = [OBSERVATION, ACTION, OBSERVATION, 1, 1]
        state, action, following, reward, ended = torch.split(rows, widths, 1)
        pair = torch.cat([state, action], 1)
        with torch.no_grad():
            low = torch.min(*(target(pair) for target in self.targets))
            backup = reward + CONFIG.discount * (1 - ended) * self.v(following)
        gap = low - self.v(state)
        tilt = torch.where(gap > 0, CONFIG.expectile, 1 - CONFIG.expectile)
        weight = (CONFIG.temperature * gap.detach()).exp().clamp(max=100)
        variance = (2 * self.log_deviation).exp().expand_as(action)
        surprise = gaussian_nll_loss(
            self.policy(state), action, variance, full=True, reduction="none"
        ).sum(1, keepdim=True)
        first, second = (((q(pair) - backup) ** 2).mean() for q in self.twins)
        value = (tilt * gap**2).mean()
        return torch.add(value + first + second, (weight * surprise).mean())

    def update(self, rows: Tensor, step: int) -> None:
        share = (1 + math.cos(math.pi * step / CONFIG.steps)) / 2
        self.optimizer.param_groups[1]["lr"] = CONFIG.learning_rate * share
        self.optimizer.zero_grad()
        torch.autograd.backward(self.loss(rows))
        self.optimizer.step()
        with torch.no_grad():
            pairs = zip(self.targets.parameters(), self.twins.parameters(), strict=True)
            for target, online in pairs:
                target.add_(online - target, alpha=CONFIG.target_rate)


def test_fused_updates_equal_separate_networks_and_automatic_differentiation() -> None:
    torch.manual_seed(0)
    data = packed(50)
    learner = Learner(data, Sizes(OBSERVATION, ACTION), CONFIG)
    learner.trained.mul_(3.0)  # away from outputs near zero
    learner.networks[1:3] = learner.trained[1:3]
    learner.networks[0] = learner.trained[0]
    shape = stack_shape(OBSERVATION, ACTION, CONFIG.hidden)
    plain = Plain(learner, shape)
    generator = torch.Generator().manual_seed(CONFIG.seed)
    for step in range(CONFIG.steps):
        index = torch.randint(50, (CONFIG.batch,), generator=generator)
        plain.update(data[index], step)
        learner.update(step)
    found = [
        (plain.v, learner.trained[0], OBSERVATION, 1),
        (plain.twins[0], learner.trained[1], OBSERVATION + ACTION, 1),
        (plain.twins[1], learner.trained[2], OBSERVATION + ACTION, 1),
        (plain.policy, learner.trained[3], OBSERVATION, ACTION),
        (plain.targets[1], learner.networks[2], OBSERVATION + ACTION, 1),
    ]
    for expected, row, inputs, outputs in found:
        fused = cut(shape, row, inputs, outputs)
        torch.testing.assert_close(fused.state_dict(), expected.state_dict())
    torch.testing.assert_close(learner.log_deviation, plain.log_deviation.detach())
    torch.testing.assert_close(learner.networks[0], learner.trained[0])


def test_reported_losses_are_those_of_the_same_batch() -> None:
    torch.manual_seed(0)
    data = packed(CONFIG.batch)
    learner = Learner(data, Sizes(OBSERVATION, ACTION), CONFIG)
    plain = Plain(learner, stack_shape(OBSERVATION, ACTION, CONFIG.hidden))
    generator = torch.Generator().manual_seed(CONFIG.seed)
    index = torch.randint(len(data), (CONFIG.batch,), generator=generator)
    expected = plain.loss(data[index]).item()
    learner.update(0)
    # The policy's deviation has moved by one step of its rate since then.
    assert abs(sum(loss.item() for loss in learner.losses()) - expected) < 0.1
