"""How fast the critic trains, next to implicit Q-learning written plainly."""

import copy
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tt_bench.methods import critic_operations
from tt_bench.speed.machine import Peaks, clock
from tt_bench.speed.record import Measurement
from tt_critic import IQLConfig, Progress, Transitions, train_critic

_OBSERVATION, _ACTION, _ROWS = 17, 6, 50_000
_EVERY, _REPORTS, _PLAIN_UPDATES = 50, 5, 60
_CONFIG = IQLConfig(steps=_EVERY * _REPORTS)


def measure_critic(device: str, peaks: Peaks) -> Iterator[Measurement]:
    """Time whole updates, drawing the batch included."""
    data = _draw()
    ours, plain = _train(data, device), _plain(data, device)
    hidden, batch = _CONFIG.hidden[0], _CONFIG.batch
    yield Measurement(
        f"IQL update, batch {batch}",
        ours,
        "plain loop",
        plain,
        peaks.floor(critic_operations(_OBSERVATION, _ACTION, hidden, batch)),
        f"{1 / ours:,.0f} updates/s",
    )


def _draw() -> Transitions:
    generator = np.random.default_rng(0)

    def numbers(width: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return generator.uniform(-1, 1, (_ROWS, width)).astype(np.float32)

    return Transitions(
        observations=numbers(_OBSERVATION),
        actions=numbers(_ACTION),
        rewards=numbers(1)[:, 0],
        next_observations=numbers(_OBSERVATION),
        terminations=np.zeros(_ROWS, np.bool_),
    )


def _train(data: Transitions, device: str) -> float:
    marks: list[float] = []

    def on_progress(progress: Progress) -> None:
        del progress
        marks.append(time.perf_counter())

    train_critic(
        data,
        _CONFIG,
        device=device,
        cuda_graph=device.startswith("cuda"),
        on_progress=on_progress,
        report_every=_EVERY,
    )
    return float(np.median(np.diff(marks))) / _EVERY


def _network(inputs: int, outputs: int, device: str) -> nn.Sequential:
    width = _CONFIG.hidden[0]
    layers = [nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs)).to(device)


class _Plain:
    """Implicit Q-learning with a module, a loss and an optimizer for each network."""

    def __init__(self, device: str) -> None:
        both = _OBSERVATION + _ACTION
        self.qs = [_network(both, 1, device) for _ in range(2)]
        self.targets = copy.deepcopy(self.qs)
        self.value = _network(_OBSERVATION, 1, device)
        self.policy = _network(_OBSERVATION, _ACTION, device)
        self.deviation = nn.Parameter(torch.zeros(_ACTION, device=device))
        q_weights = [p for q in self.qs for p in q.parameters()]
        policy_weights = [*self.policy.parameters(), self.deviation]
        self.optimizers = [
            torch.optim.Adam(weights, _CONFIG.learning_rate)
            for weights in (self.value.parameters(), policy_weights, q_weights)
        ]

    def update(self, batch: list[Tensor]) -> None:
        observation, action, reward, following, ended = batch
        both = torch.cat([observation, action], 1)
        with torch.no_grad():
            q = torch.min(*(target(both)[:, 0] for target in self.targets))
        gap = q - self.value(observation)[:, 0]
        weight = torch.where(gap > 0, _CONFIG.expectile, 1 - _CONFIG.expectile)
        self._descend(0, (weight * gap**2).mean())
        with torch.no_grad():
            gap = q - self.value(observation)[:, 0]
            share = (_CONFIG.temperature * gap).exp().clamp(max=100.0)
            aim = self.value(following)[:, 0] * (1 - ended) * _CONFIG.discount + reward
        variance = (2 * self.deviation).exp().expand_as(action)
        unlikely = F.gaussian_nll_loss(
            self.policy(observation), action, variance, reduction="none"
        )
        self._descend(1, (share * unlikely.sum(1)).mean())
        first, second = (F.mse_loss(q(both)[:, 0], aim) for q in self.qs)
        self._descend(2, first + second)
        self._follow()

    def _descend(self, which: int, loss: Tensor) -> None:
        self.optimizers[which].zero_grad()
        torch.autograd.backward(loss)
        self.optimizers[which].step()

    def _follow(self) -> None:
        with torch.no_grad():
            for q, target in zip(self.qs, self.targets, strict=True):
                for new, old in zip(q.parameters(), target.parameters(), strict=True):
                    old.lerp_(new, _CONFIG.target_rate)


def _plain(data: Transitions, device: str) -> float:
    """Return the seconds of an update of the plain version."""
    arrays = [torch.tensor(a, dtype=torch.float32, device=device) for a in data]
    learner = _Plain(device)
    generator = torch.Generator(device).manual_seed(0)

    def update() -> None:
        rows = torch.randint(
            _ROWS, (_CONFIG.batch,), generator=generator, device=device
        )
        learner.update([array[rows] for array in arrays])

    return clock(update, device, repeats=_PLAIN_UPDATES, warm=10)
