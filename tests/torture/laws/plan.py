"""Laws of tt_plan: the model may say anything as well."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

import tt_plan
from torture import tiny
from torture.arrays import array, as_tensor, integers
from torture.laws.law import Law
from torture.values import (
    Draws,
    Parameter,
    foreign,
    just,
    maybe,
    one_of,
    options,
    pick,
    real,
    small,
    whole,
)

_SPECIAL = (math.nan, math.inf, -math.inf, 3e38, -3e38)


class Babbler:
    """A next-token model whose logits are drawn, and now and then special."""

    def __init__(self, seed: int, special: float | None, shape: int = 0) -> None:
        self._draws = torch.Generator().manual_seed(seed)
        self._special, self._shape = special, shape

    def _say(self, rows: int) -> Tensor:
        logits = torch.randn(rows, tiny.BINS + 1 + self._shape, generator=self._draws)
        if self._special is not None:
            logits[torch.rand(logits.shape, generator=self._draws) < 0.4] = (
                self._special
            )
        return logits

    def start(self, prefix: Tensor, /) -> tuple[Tensor, int]:
        """Say anything; refuse what is no token, as a model does."""
        if not ((prefix >= 0) & (prefix <= tiny.BINS + self._shape)).all():
            raise ValueError(f"the prefix has what is no token: {prefix}")
        return self._say(len(prefix)), len(prefix)

    def step(self, tokens: Tensor, state: int, /) -> tuple[Tensor, int]:
        """Say anything; refuse what is no token."""
        if not ((tokens >= 0) & (tokens <= tiny.BINS + self._shape)).all():
            raise AssertionError(f"the planner stepped what is no token: {tokens}")
        return self._say(len(tokens)), state

    def select(self, state: int, rows: Tensor, /) -> int:
        """Forget nothing, as there is nothing."""
        return len(rows)


def _model(draws: Draws) -> Any:
    return Babbler(int(draws.integers(2**31)), None)


def _odd_model(draws: Draws) -> Any:
    if draws.random() < 0.1:
        return foreign(draws)
    shape = int(draws.integers(-1, 2)) if draws.random() < 0.2 else 0
    return Babbler(int(draws.integers(2**31)), pick(draws, _SPECIAL), shape)


MODELS = Parameter(_model, _odd_model, (Babbler,))
PREFIX = as_tensor(integers(2, 7, low=0, high=tiny.BINS - 1))
_MIDDLES = array(tiny.BINS)
_TABLE = array(2, tiny.BINS)
_ACTION_TABLE = array(1, tiny.BINS)
_SAMPLERS = (
    tt_plan.greedy(),
    tt_plan.likeliest(),
    tt_plan.top_k(2),
    tt_plan.nucleus(0.9),
    tt_plan.tail_cut(0.4),
    tt_plan.temperature(0.5, tt_plan.likeliest()),
)


def _samplers(draws: Draws) -> Any:
    return [pick(draws, _SAMPLERS) for _ in range(tiny.WIDTH)]


def samplers() -> Parameter:
    """Draw one sampler for each position of a transition."""
    return Parameter(_samplers, one_of((), [None] * 5, _SAMPLERS), (list, tuple))


_RIGHT = (
    tt_plan.Expectation(torch.arange(8.0), torch.arange(8.0)),
    tt_plan.Quantile(0.5, torch.arange(8.0)),
    tt_plan.LogLikelihood(),
    tt_plan.Goal([0.0, 0.0], torch.arange(16.0).view(2, 8)),
)
_EVALUATORS = just(
    one_of(*_RIGHT),
    (),
    *(
        tt_plan.Expectation(torch.arange(7.0)),
        tt_plan.Expectation(torch.full((8,), math.nan)),
        tt_plan.FunctionEvaluator(
            lambda tokens, _: tt_plan.Outcome(*[tokens[:, 0]] * 2)
        ),
        tt_plan.FunctionEvaluator(lambda *_: None),  # type: ignore[arg-type]
    ),
)
STOP = options(*(None, tiny.BINS), odd=(0, -1, 7, 9, 2**40), types=(int, type(None)))
_SEARCH = {
    "model": MODELS,
    "prefix": PREFIX,
    "evaluator": _EVALUATORS,
    "samplers": samplers(),
    "horizon": small(1, 3),
    "discount": real(0, 1),
    "stop": STOP,
    "generator": just(lambda _: None, (torch.Generator, type(None))),
}

_KERNEL = tt_plan.gaussian_kernel(torch.arange(8.0), 1.0)
_KERNELS = just(
    lambda draws: [pick(draws, (None, _KERNEL)) for _ in range(tiny.WIDTH)],
    (list, tuple),
    [_KERNEL],
    [-_KERNEL] * tiny.WIDTH,
    [_KERNEL[:7]] * tiny.WIDTH,
    [_KERNEL * math.nan] * tiny.WIDTH,
)


def _check(plan: Any, model: Any = None) -> Any:
    """Hold the best plan to what plans are: possible tokens and a score."""
    tokens, score = plan.tokens, plan.score
    if not ((tokens >= 0) & (tokens <= tiny.BINS + 1)).all():
        raise AssertionError(f"the plan has what is no token: {tokens.tolist()}")
    if score.isnan().any() or plan.scores.isnan().any():
        raise AssertionError("a score is NaN")
    return None


def _right(parameter: Parameter) -> Parameter:
    """Draw what a planner gives, which is right."""
    made = as_tensor(parameter) if parameter.types != (int,) else parameter
    return made._replace(nasty=made.right)


def _logits(*shape: int) -> Parameter:
    """Draw logits of a shape, which a model may make special."""

    def nasty(draws: Draws) -> Any:
        logits = draws.normal(size=shape).astype(np.float32)
        share = pick(draws, (0.2, 0.6, 1.0))
        logits[draws.random(shape) < share] = pick(draws, _SPECIAL)
        return torch.from_numpy(logits)

    return _right(array(*shape))._replace(nasty=nasty)


def _evaluate(make: Any) -> Any:
    def call(**given: Any) -> Any:
        tokens, logits = given.pop("tokens"), given.pop("logits")
        return make(**given)(tokens, logits)

    return call


_SEEN = {"tokens": _right(integers(4, 5, low=0, high=7)), "logits": _logits(4, 5, 9)}
_Q = just(
    lambda _: lambda seen, action: seen.sum(1) + action.sum(1),
    (),
    lambda seen, action: seen,
    lambda seen, action: seen.sum(1) * math.nan,
)
_V = just(lambda _: lambda seen: seen.sum(1), (), lambda seen: seen[:, :0])


def _sampled(make: Any) -> Any:
    def call(logits: Any, count: Any, **settings: Any) -> Any:
        tokens = make(**settings)(logits, count, None)
        if not ((tokens >= -1) & (tokens < logits.shape[-1])).all():
            raise AssertionError(f"no tokens: {tokens.tolist()}")
        possible = logits.gather(1, tokens.clamp_min(0))[tokens >= 0]
        if (possible == -math.inf).any() or possible.isnan().any():
            raise AssertionError("a token that is not possible was drawn")
        return tokens

    return call


_DRAW = {"logits": _logits(3, tiny.BINS), "count": _right(small(1, 4))}

LAWS = [
    Law(
        "tt_plan.beam_search",
        lambda model, prefix, evaluator, **rest: _check(
            tt_plan.beam_search(model, prefix, evaluator, **rest)
        ),
        {**_SEARCH, "beam": small(1, 4), "candidates": small(1, 3)},
    ),
    Law(
        "tt_plan.best_of_n",
        lambda model, prefix, evaluator, **rest: _check(
            tt_plan.best_of_n(model, prefix, evaluator, **rest)
        ),
        {**_SEARCH, "n": small(1, 4)},
    ),
    Law(
        "tt_plan.likelihood_search",
        lambda model, prefix, **rest: _check(
            tt_plan.likelihood_search(model, prefix, **rest)
        ),
        {
            "model": MODELS,
            "prefix": PREFIX,
            "transition": small(5, 5),
            "horizon": small(1, 2),
            "beam": small(1, 4),
            "stop": STOP,
            "kernels": maybe(_KERNELS),
        },
    ),
    Law(
        "tt_plan.gaussian_kernel",
        tt_plan.gaussian_kernel,
        {"middles": as_tensor(array(tiny.BINS)), "width": real(0.01, 2)},
    ),
    Law(
        "tt_plan.Expectation",
        _evaluate(tt_plan.Expectation),
        {
            "reward_middles": _MIDDLES,
            "value_middles": maybe(_MIDDLES),
            "positions": options(*((-2, -1), (3, 4)), odd=((9, 1), ()), types=(tuple,)),
            **_SEEN,
        },
    ),
    Law(
        "tt_plan.Quantile",
        _evaluate(tt_plan.Quantile),
        {
            "q": real(0.1, 0.9),
            "reward_middles": _MIDDLES,
            "value_middles": maybe(_MIDDLES),
            **_SEEN,
        },
    ),
    Law("tt_plan.LogLikelihood", _evaluate(tt_plan.LogLikelihood), _SEEN),
    Law(
        "tt_plan.Goal",
        _evaluate(tt_plan.Goal),
        {
            "goal": array(2),
            "observation_middles": _TABLE,
            "dimensions": options(
                *(None, [0, 1]), odd=([0], [9], [-1], [0, 0]), types=(list, type(None))
            ),
            "scale": real(0.1, 2),
            **_SEEN,
        },
    ),
    Law(
        "tt_plan.QValue",
        _evaluate(tt_plan.QValue),
        {
            "q": _Q,
            "observation_middles": _TABLE,
            "action_middles": _ACTION_TABLE,
            "reward_middles": maybe(_MIDDLES),
            "discount": maybe(real(0.1, 1)),
            **_SEEN,
        },
        finite=False,
    ),
    Law(
        "tt_plan.Advantage",
        _evaluate(tt_plan.Advantage),
        {
            "q": _Q,
            "v": _V,
            "observation_middles": _TABLE,
            "action_middles": _ACTION_TABLE,
            **_SEEN,
        },
        finite=False,
    ),
    Law("tt_plan.greedy", _sampled(tt_plan.greedy), _DRAW),
    Law("tt_plan.likeliest", _sampled(tt_plan.likeliest), _DRAW),
    Law("tt_plan.top_k", _sampled(tt_plan.top_k), {**_DRAW, "k": whole(1, 9)}),
    Law("tt_plan.nucleus", _sampled(tt_plan.nucleus), {**_DRAW, "mass": real(0.1, 1)}),
    Law(
        "tt_plan.tail_cut", _sampled(tt_plan.tail_cut), {**_DRAW, "mass": real(0, 0.9)}
    ),
    Law(
        "tt_plan.temperature",
        _sampled(tt_plan.temperature),
        {
            **_DRAW,
            "value": real(0.1, 3),
            "inner": just(lambda draws: pick(draws, _SAMPLERS), ()),
        },
    ),
    Law(
        "tt_plan.Recorded",
        lambda planner, prefix: tt_plan.Recorded(planner)(prefix, torch.Generator()),
        {
            "planner": just(lambda _: lambda prefix, _: prefix, ()),
            "prefix": PREFIX,
        },
    ),
]
