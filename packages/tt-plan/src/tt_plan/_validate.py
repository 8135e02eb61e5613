"""Check what a caller hands to a planner, once, by shape and type alone."""

import sys
from collections.abc import Iterable, Sequence
from numbers import Integral, Real

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
    """Raise ValueError unless every count is a whole number of at least 1."""
    for name, count in counts.items():
        if not isinstance(count, Integral) or isinstance(count, bool):
            raise ValueError(f"{name} must be a whole number, but got {count!r}")
        if count < 1:
            raise ValueError(f"{name} must be at least 1, but got {count}")


def check_samplers(samplers: Sequence[Sampler]) -> None:
    """Raise ValueError unless there are samplers, each a callable."""
    if not samplers or not all(callable(sampler) for sampler in samplers):
        raise ValueError(
            "samplers must hold one sampler for each position of a transition, such as "
            f"[greedy()] * 16, but got {samplers!r}"
        )


def check_kernels(kernels: Sequence[Tensor | None], transition: int) -> None:
    """Raise ValueError unless there is a kernel [V, V], or None, for each position.

    Weights are looked at on a CPU alone: elsewhere a plan would wait for its device.
    """
    if not isinstance(kernels, Sequence) or len(kernels) != transition:
        raise ValueError(
            f"kernels must be a list of {transition}, one for each position of a "
            f"transition, but got {_told(kernels)}; put None where there is none"
        )
    for kernel in kernels:
        if kernel is None:
            continue
        if (
            not isinstance(kernel, Tensor)
            or not kernel.is_floating_point()
            or kernel.ndim != 2
            or (kernel.is_cpu and not (kernel.isfinite() & (kernel >= 0)).all())
        ):
            raise ValueError(
                "a kernel must be a tensor [V, V] of finite floats of at least 0, but "
                f"got {_told(kernel)}; gaussian_kernel makes one"
            )


def check_kernel_size(kernel: Tensor, tokens: int) -> None:
    """Raise ValueError unless a kernel weighs all tokens but the stop token."""
    if kernel.shape != (tokens, tokens):
        raise ValueError(
            f"a kernel must be [{tokens}, {tokens}], for the model's tokens but the "
            f"stop token, but its shape is {tuple(kernel.shape)}"
        )


def check_above_zero(name: str, value: float, hint: str = "") -> None:
    """Raise ValueError, with a hint, unless a value is a finite number above 0."""
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not (real and 0.0 < value <= sys.float_info.max):
        raise ValueError(
            f"{name} must be a finite number above 0, but got {value!r}{hint}"
        )


def _told(value: object) -> str:
    """Name a tensor's type and shape, how many a list has, or a value's type."""
    if isinstance(value, Tensor):
        return f"{_kind(value)} {tuple(value.shape)}"
    return f"{len(value)} of them" if isinstance(value, Sequence) else _kind(value)


def check_discount(discount: float) -> None:
    """Raise ValueError unless the discount is in [0, 1]."""
    if not 0.0 <= discount <= 1.0:
        raise ValueError(f"discount must be in [0, 1], but got {discount}")


def check_logits(logits: Tensor, rows: int, stop: int | None) -> None:
    """Raise ValueError unless logits are [rows, W] and stop, if any, is their last.

    There must be a token beside the stop token.
    """
    _check_real(logits)
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


def check_step(logits: Tensor, rows: int, width: int) -> None:
    """Raise ValueError unless logits are [rows, width], as those before."""
    _check_real(logits)
    if logits.shape != (rows, width):
        raise ValueError(
            f"the model must return logits {[rows, width]} of every step, but their "
            f"shape is {tuple(logits.shape)}"
        )


def _check_real(logits: Tensor) -> None:
    if not isinstance(logits, Tensor) or logits.is_complex():
        raise ValueError(
            "the model must return logits as a tensor of real numbers, but got "
            f"{_kind(logits)}"
        )


def check_drawn(tokens: Tensor, logits: Tensor, count: int) -> Tensor:
    """Return the tokens that a sampler drew from logits [R, W].

    Raises ValueError unless they are int64 [R, count] and, on a CPU, which waits for no
    device, from -1 up to W - 1.
    """
    shape, width = (logits.shape[0], count), logits.shape[1]
    if not isinstance(tokens, Tensor) or tokens.dtype != torch.int64:
        raise ValueError(
            f"a sampler must return tokens as int64 {list(shape)}, but got "
            f"{_kind(tokens)}"
        )
    if tokens.shape != shape or tokens.device != logits.device:
        raise ValueError(
            f"a sampler must return tokens {list(shape)} on {logits.device}, but got "
            f"{list(tokens.shape)} on {tokens.device}"
        )
    if tokens.device.type == "cpu":
        least, most = (int(end) for end in tokens.aminmax())
        if least < -1 or most >= width:
            raise ValueError(
                f"a sampler must return tokens below {width}, or -1 for none, but got "
                f"{least if least < -1 else most}"
            )
    return tokens


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
    if not isinstance(numbers, Tensor):
        raise ValueError(f"{name} must return a tensor, but got {_kind(numbers)}")
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
    if evaluator.positions is None:
        return frozenset(range(width))
    positions = as_positions(evaluator.positions)
    check_positions(positions, width)
    return frozenset(position % width for position in positions)


def as_positions(positions: Sequence[int], least: int = 0) -> tuple[int, ...]:
    """Return positions of a transition; the first `least` of them, where that is given.

    Raises ValueError unless they are whole numbers, and at least so many.
    """
    given = tuple(positions) if isinstance(positions, Iterable) else (positions,)
    whole = all(isinstance(position, Integral) for position in given)
    if isinstance(positions, str | bytes) or not whole or len(given) < least:
        raise ValueError(
            "positions must be whole numbers, one for each token that is read, such as "
            f"(-2, -1), but got {positions!r}"
        )
    return given[:least] if least else given


def check_positions(positions: Sequence[int], width: int) -> None:
    """Raise ValueError unless positions are among the `width` of a transition."""
    if not all(-width <= position < width for position in positions):
        raise ValueError(
            f"the evaluator reads positions {tuple(positions)}, but a transition has "
            f"{width}; pass as many samplers as a transition has tokens"
        )


def _kind(value: object) -> str:
    """Name the type of a value, or that of a tensor's numbers."""
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
