"""Check anyone's dynamics model against the laws that a planner relies on."""

from typing import Any

import torch
from torch import Tensor

from tt_plan._imagine import check_earned
from tt_plan._interface import DynamicsModel


@torch.no_grad()
def check_dynamics_model(
    model: DynamicsModel[Any],
    state: Any,
    actions: Tensor,
    *,
    tolerance: float = 1e-4,
) -> None:
    """Raise AssertionError, naming the law and the transition, if one is broken.

    There are a reward and a value for each row. Rows do not depend on each other.
    Selecting rows of a state and stepping them continues those rows. A state can be
    selected again after what was selected before has gone on.

    Args:
        model: a model that draws nothing at random: it is given no generator.
        state: its state, of R rows; it is selected and not used up.
        actions: [R, H, A], R at least 2: what each row does in H transitions.
        tolerance: largest difference, absolute and relative, between equal numbers.

    Raises:
        ValueError: fewer than 2 rows, or rewards or values of another shape.
    """
    rows = len(actions)
    if actions.ndim != 3 or rows < 2 or 0 in actions.shape:
        raise ValueError(
            "the laws need actions [rows, transitions, numbers] of at least 2 rows, "
            f"but got {list(actions.shape)}"
        )
    every = torch.arange(rows, device=actions.device)
    together = _follow(model, model.select(state, every), actions)
    orders = [every[row : row + 1] for row in range(rows)]
    for order in [*orders, every.flip(0), every.repeat(2)]:
        selected = _follow(model, model.select(state, order), actions[order])
        _check_equal(f"rows {order.tolist()}", selected, together[:, order], tolerance)
    late = _follow(model, model.select(state, every), actions, every.flip(0))
    _check_equal("rows selected between transitions", late, together, tolerance)


def _follow(
    model: DynamicsModel[Any],
    state: Any,
    actions: Tensor,
    order: Tensor | None = None,
) -> Tensor:
    """Return the rewards and values [2 * H, R] of actions [R, H, A].

    With an order [R] of rows, every transition but the first begins with a selection of
    them all in that order, which is undone in what is returned.
    """
    found, rows = [], torch.arange(len(actions), device=actions.device)
    for t in range(actions.shape[1]):
        if order is not None and t:
            state, rows = model.select(state, order), rows[order]
        state, reward = model.step(state, actions[rows, t], None)
        for method, numbers in (("step", reward), ("value", model.value(state))):
            check_earned(method, numbers, actions[:, 0, 0])
            found.append(numbers[rows.argsort()])
    return torch.stack(found)


def _check_equal(law: str, found: Tensor, expected: Tensor, tolerance: float) -> None:
    for index, (one, other) in enumerate(zip(found, expected, strict=True)):
        if not torch.allclose(one, other, tolerance, tolerance, equal_nan=True):
            raise AssertionError(
                f"{law} must go on as the same rows do among all: the "
                f"{('reward', 'value')[index % 2]} of transition {index // 2} is "
                f"{one.tolist()}, not {other.tolist()}"
            )
