"""Laws of searches over actions: the model of dynamics may say anything as well."""

import math
from typing import Any

import torch
from torch import Tensor

import tt_plan
from torture import tiny
from torture.arrays import array, as_tensor
from torture.laws.law import Law
from torture.laws.plan import MODELS, PREFIX, STOP, samplers
from torture.values import (
    Draws,
    Parameter,
    foreign,
    just,
    maybe,
    one_of,
    pick,
    real,
    small,
)

_ENVIRONMENTS, _HORIZON, _ACTION = 2, 2, 2
_SPECIAL = (math.nan, math.inf, -math.inf, 3e38, -3e38)


class Drift:
    """A model of dynamics whose rewards and values are now and then special."""

    def __init__(self, special: float | None, shape: int = 0) -> None:
        self._special, self._shape = special, shape

    def _say(self, numbers: Tensor) -> Tensor:
        said = numbers.repeat(2)[: len(numbers) + self._shape]
        if self._special is not None:
            said = torch.where(said.sin() > 0.3, self._special, said)
        return said

    def step(
        self, state: Tensor, actions: Tensor, generator: torch.Generator | None, /
    ) -> tuple[Tensor, Tensor]:
        """Drift; refuse what is no action, as a model does."""
        if not (actions.abs() <= 1).all():
            raise AssertionError(f"the planner took what is no action: {actions}")
        state = state + actions.sum(1)
        return state, self._say(state)

    def value(self, state: Tensor, /) -> Tensor:
        """Say anything."""
        return self._say(-state)

    def select(self, state: Tensor, rows: Tensor, /) -> Tensor:
        """Select, as torch does."""
        return state[rows]


def _odd_model(draws: Draws) -> Any:
    if draws.random() < 0.1:
        return foreign(draws)
    shape = int(draws.integers(-1, 2)) if draws.random() < 0.2 else 0
    return Drift(pick(draws, _SPECIAL), shape)


_BOX = (-torch.ones(_ACTION), torch.ones(_ACTION))
_BOUNDS = just(
    lambda _: _BOX,
    tuple,
    *(_BOX[::-1], _BOX[:1], (_BOX[0], torch.ones(3)), (-1.0, 1.0)),
    *((_BOX[0], _BOX[1] * math.nan), (_BOX[0] * 3e38, _BOX[1] * 3e38)),
)


def _start(_: Draws) -> Any:
    return torch.zeros(_ENVIRONMENTS)


_STATE = Parameter(_start, _start, (Tensor,))  # what a caller owns is right
_PROBLEM = {
    "model": Parameter(lambda _: Drift(None), _odd_model, (Drift,)),
    "state": _STATE,
    "bounds": _BOUNDS,
    "horizon": small(_HORIZON, _HORIZON),
    "environments": small(_ENVIRONMENTS, _ENVIRONMENTS),
    "samples": small(3, 5),
    "discount": real(0, 1),
    "start": maybe(as_tensor(array(_ENVIRONMENTS, _HORIZON, _ACTION, scale=0.1))),
    "generator": just(lambda _: None, (torch.Generator, type(None))),
}
_ROUNDS = {
    "elites": small(1, 3),
    "iterations": small(1, 3),
    "deviation": real(0.1, 1),
    "least_deviation": real(0, 0.1),
}
_PROPOSAL = just(
    lambda _: lambda state, generator: state[:, None].tanh().expand(-1, _ACTION),
    (),
    lambda state, generator: state,
    lambda state, generator: state[:, None].expand(-1, _ACTION) * math.nan,
)


def _checked(plan: Any) -> Any:
    """Hold a plan to what plans are: actions in the box and a finite score."""
    for actions in (plan.actions, plan.best, plan.later()):
        if not (actions.abs() <= 1).all():
            raise AssertionError(f"the plan leaves the box: {actions.tolist()}")
    if not plan.score.isfinite().all():
        raise AssertionError(f"a plan without a score: {plan.score.tolist()}")
    return plan.actions


def _searched(search: Any) -> Any:
    def call(model: Any, state: Any, bounds: Any, **rest: Any) -> Any:
        return _checked(search(model, state, bounds, **rest))

    return call


def _imagine(actions: Any, prefix: Any, model: Any, evaluator: Any, **rest: Any) -> Any:
    """Read a prefix and take an action for each of its rows."""
    dynamics = tt_plan.SequenceDynamics(model, evaluator, tiny.bins(), **rest)
    state, rewards = dynamics.step(dynamics.start(prefix), actions, None)
    if rewards.shape != actions.shape[:1]:
        raise AssertionError(f"{len(actions)} actions, rewards {list(rewards.shape)}")
    return dynamics.value(state)


LAWS = [
    Law("tt_plan.random_shooting", _searched(tt_plan.random_shooting), _PROBLEM),
    Law(
        "tt_plan.cem",
        _searched(tt_plan.cem),
        {**_PROBLEM, **_ROUNDS, "smoothing": real(0, 0.9)},
    ),
    Law(
        "tt_plan.mppi",
        _searched(tt_plan.mppi),
        {
            **_PROBLEM,
            **_ROUNDS,
            "temperature": real(0.1, 2),
            "proposal": _PROPOSAL,
            "proposals": maybe(small(1, 3)),
            "inertia": real(0, 0.9),
        },
    ),
    Law(
        "tt_plan.SequenceDynamics",
        _imagine,
        {
            "actions": as_tensor(array(2, tiny.ACTION)),
            "prefix": PREFIX,
            "model": MODELS,
            "evaluator": just(
                one_of(tt_plan.LogLikelihood(), tt_plan.Expectation(torch.arange(8.0))),
                (),
                tt_plan.Expectation(torch.arange(7.0)),
            ),
            "samplers": samplers(),
            "observation": small(tiny.OBSERVATION, tiny.OBSERVATION),
            "action": small(tiny.ACTION, tiny.ACTION),
            "stop": STOP,
        },
        finite=False,
    ),
]
