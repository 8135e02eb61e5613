"""Look once, after a search, whether it has found a plan for every environment.

Nothing within a search can be looked at without waiting for the device, so that NaN and
dead ends lose all cuts in silence. Where one of an environment's sequences has a finite
score, that is right; where none has, the model is read again to say why.
"""

import torch
from torch import Tensor

from tt_plan._history import Plan
from tt_plan._interface import SequenceModel, State


class NoPlanError(ValueError):
    """No sequence of an environment has a finite score."""


def check_plan(
    plan: Plan,
    model: SequenceModel[State],
    prefix: Tensor,
    stop: int | None,
    otherwise: str,
) -> None:
    """Raise NoPlanError, naming the cause, unless each environment has a plan.

    It waits for the device once. While a graph is captured nothing is known yet:
    whoever replays it has to look. `otherwise` is the cause where logits are not.
    """
    if not _is_known(plan.score):
        return
    missing = missing_plans(plan)
    if missing:
        cause = _cause(plan, model, prefix, stop, missing[0]) or otherwise
        raise no_plan(missing, cause)


def _is_known(score: Tensor) -> bool:
    if score.is_cuda:
        return not torch.cuda.is_current_stream_capturing()
    return not score.is_meta


def missing_plans(plan: Plan) -> list[int]:
    """List the environments whose best sequence has no finite score, or holds -1."""
    found = plan.score.isfinite() & (plan.tokens >= 0).flatten(1).all(1)
    return [index for index, good in enumerate(found.tolist()) if not good]


def no_plan(missing: list[int], cause: str) -> NoPlanError:
    """Make the error that says which environments have no plan, and why the first."""
    count = f" ({len(missing)} environments have none)" if len(missing) > 1 else ""
    return NoPlanError(
        f"environment {missing[0]} has no continuation with a finite score: "
        f"{cause}{count}"
    )


def _cause(
    plan: Plan,
    model: SequenceModel[State],
    prefix: Tensor,
    stop: int | None,
    environment: int,
) -> str | None:
    """Read the first sequence of an environment up to where it can't go on."""
    width, known = plan.tokens.shape[2], prefix.shape[1] % plan.tokens.shape[2]
    context = prefix[environment : environment + 1]
    if known and bool((context[0, -known:] < 0).any()):
        return "the transition in progress holds -1, which stands for whole ones only"
    logits, state = model.start(context)
    for index, token in enumerate(plan.tokens[environment].flatten()[known:], known):
        cause = _cause_in(logits[0], index, width, stop)
        ended = index % width == 0 and stop is not None and int(token) == stop
        if cause is not None or ended:
            return cause
        logits, state = model.step(token[None], state)
    return None


def _cause_in(logits: Tensor, index: int, width: int, stop: int | None) -> str | None:
    """Say what is wrong with the logits [W] of a token of the plan, if anything is."""
    place = f"at position {index % width} of transition {index // width}"
    if bool((logits.isnan() | logits.isposinf()).any()):
        return (
            f"the model's logits are NaN or infinite {place}: training diverged? look "
            "at its losses and its weights"
        )
    possible = logits if index % width == 0 or stop is None else logits[:stop]
    if bool(possible.isneginf().all()):
        return (
            f"no token is possible {place}, as the model's logits are minus infinity; "
            "more beams or candidates may find a way around"
        )
    return None
