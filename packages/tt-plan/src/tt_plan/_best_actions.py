"""Keep the best sequence of actions of each environment.

Axes: E environments, N sequences of each, H transitions, A numbers of an action.
"""

from torch import Tensor

from tt_plan._checked import no_plan


def best_of(actions: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best [E, H, A] of actions [E, N, H, A] and its score [E]."""
    score, index = scores.max(1)
    best = actions.take_along_dim(index[:, None, None, None], 1)[:, 0]
    return best, score


def check_found(score: Tensor) -> None:
    """Raise ValueError unless the best score [E] of every environment is finite."""
    missing = (~score.isfinite()).nonzero()[:, 0].tolist()
    if missing:
        raise no_plan(
            missing,
            "all rewards or values that the dynamics model returned are NaN or "
            "infinite; look at what it returns for actions within the bounds",
        )
