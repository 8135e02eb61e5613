"""Check what a caller hands to a planner, once, by shape and type alone."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from tt_plan._interface import Evaluator, Outcome, Sampler


def check_prefix(prefix: Tensor) -> None:
    """Raise ValueError unless the prefix is int64 [E, T], both at least 1."""
    if prefix.ndim != 2 or prefix.dtype != torch.int64 or 0 in prefix.shape:
        raise ValueError(
            "prefix must be int64 [environments, tokens] with at least one of each, "
            f"but got {prefix.dtype} {tuple(prefix.shape)}; a single context needs "
            "prefix[None], other integers prefix.long()"
        )


def check_counts(**counts: int) -> None:
    """Raise ValueError unless every count is at least 1."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1, but got {count}")


def check_samplers(samplers: Sequence[Sampler]) -> None:
    """Raise ValueError unless there are samplers, each a callable."""
    if not samplers or not all(callable(sampler) for sampler in samplers):
        raise ValueError(
            "samplers must hold one sampler for each position of a transition, such as "
            f"[greedy()] * 16, but got {samplers!r}"
        )


def check_discount(discount: float) -> None:
    """Raise ValueError unless the discount is in [0, 1]."""
    if not 0.0 <= discount <= 1.0:
        raise ValueError(f"discount must be in [0, 1], but got {discount}")


def check_logits(logits: Tensor, rows: int, stop: int | None) -> None:
    """Raise ValueError unless logits are [rows, W] and stop, if any, is their last.

    There must be a token beside the stop token.
    """
    if logits.ndim != 2 or len(logits) != rows:
        raise ValueError(
            f"the model must return logits [{rows}, W] for {rows} rows, but their "
            f"shape is {tuple(logits.shape)}"
        )
    if stop is not None and stop != logits.shape[1] - 1:
        raise ValueError(
            f"the stop token must be the last of {logits.shape[1]} logits, "
            f"{logits.shape[1] - 1}, but got stop={stop}; pass None for a model that "
            "has no stop token"
        )
    if logits.shape[1] < (1 if stop is None else 2):
        raise ValueError(
            "the model must have at least one token, the stop token aside, but its "
            f"logits are {tuple(logits.shape)} and stop={stop}"
        )


def check_outcome(outcome: Outcome, tokens: Tensor) -> Outcome:
    """Return the outcome of tokens [R, P].

    Raises ValueError unless it is a reward and a value a row, real numbers where the
    tokens are.
    """
    parts: list[object] = list(outcome) if isinstance(outcome, Iterable) else [outcome]
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if len(parts) != 2 or len(tensors) != 2:
        raise ValueError(
            "the evaluator must return Outcome(reward, value), two tensors, but got "
            f"{type(outcome).__name__} of {[type(part).__name__ for part in parts]}"
        )
    reward, value = tensors
    rows = len(tokens)
    if reward.shape != (rows,) or value.shape != (rows,):
        raise ValueError(
            f"the evaluator must return a reward and a value [{rows}], but "
            f"their shapes are {tuple(reward.shape)} and {tuple(value.shape)}"
        )
    for part in tensors:
        if part.is_complex() or part.device != tokens.device:
            raise ValueError(
                "the evaluator must return real numbers on the device of the tokens, "
                f"{tokens.device}, but got {part.dtype} on {part.device}"
            )
    return Outcome(reward, value)


def check_critic(name: str, numbers: Tensor, rows: int) -> Tensor:
    """Return a critic's numbers; raise ValueError unless they are one a row, [rows]."""
    if numbers.shape != (rows,):
        raise ValueError(
            f"{name} must return one number for each of {rows} rows, [{rows}], but its "
            f"shape is {tuple(numbers.shape)}; squeeze the last axis of a network's"
        )
    return numbers


def read_positions(evaluator: Evaluator, width: int) -> frozenset[int]:
    """Return the positions whose logits the evaluator reads, of `width` in all.

    Raises ValueError unless it is an evaluator, and they are among them.
    """
    if not isinstance(evaluator, Evaluator):
        raise ValueError(
            "the evaluator must be callable and say in `positions` which logits it "
            f"reads, but got {evaluator!r}; wrap a function in FunctionEvaluator"
        )
    positions = evaluator.positions
    if positions is None:
        return frozenset(range(width))
    if not all(-width <= position < width for position in positions):
        raise ValueError(
            f"the evaluator reads positions {tuple(positions)}, but a transition has "
            f"{width}; pass as many samplers as a transition has tokens"
        )
    return frozenset(position % width for position in positions)
