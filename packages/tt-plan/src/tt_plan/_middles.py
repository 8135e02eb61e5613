"""The numbers that tokens stand for: the middles of their bins."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tt_plan._rows import unnormalized
from tt_plan._validate import check_positions

Middles = Tensor | npt.NDArray[Any]


def as_middles(name: str, values: Middles, axes: str) -> Tensor:
    """Check bin middles of the axes that `axes` names, a letter each."""
    middles = as_numbers(name, values)
    if middles.ndim != len(axes) or middles.numel() == 0:
        raise ValueError(
            f"{name} must be [{', '.join(axes)}] bin middles, but its shape is "
            f"{tuple(middles.shape)}; select the columns of the tokenizer's middles"
        )
    return middles if middles.is_floating_point() else middles.float()


def as_numbers(
    name: str, values: Middles | Sequence[float], dtype: torch.dtype | None = None
) -> Tensor:
    """Return a tensor as it is, and a copy of anything else, of a type if one is given.

    Arrays of frozen bins can't be written to, as torch warns.

    Raises ValueError unless they are real numbers.
    """
    if isinstance(values, Tensor):
        if values.is_complex():
            raise ValueError(f"{name} must be real numbers, but is {values.dtype}")
        return values
    try:
        if np.iscomplexobj(values):
            raise TypeError("they are complex")
        return torch.tensor(values, dtype=dtype)
    except (OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be real numbers, but is {type(values).__name__} that torch "
            f"can't take ({error}); select the columns of the tokenizer's middles"
        ) from error


def bin_probabilities(logits: Tensor, position: int, middles: Tensor) -> Tensor:
    """Return the bins' probabilities [R, V] at a position, up to a factor a row.

    The stop token is left out.

    Raises ValueError unless logits [R, P, W] have V entries, or V and the stop token's,
    and the position.
    """
    check_positions((position,), logits.shape[1])
    bins = len(middles)
    if logits.shape[-1] - bins not in (0, 1):
        raise ValueError(
            f"got {bins} bin middles for logits with {logits.shape[-1]} entries; they "
            "need as many, or one more for the stop token: take both from one tokenizer"
        )
    return unnormalized(logits[:, position, :bins].to(middles.dtype))


def expectation(logits: Tensor, position: int, middles: Tensor) -> Tensor:
    """Return the mean [R] of the bin middles at one position, stop left out."""
    probabilities = bin_probabilities(logits, position, middles)
    return (probabilities @ middles) / probabilities.sum(-1)


def decode(tokens: Tensor, middles: Tensor) -> Tensor:
    """Return the middles [R, C] of tokens [R, C], from middles [C, V].

    A stop token, which stands for no number, decodes to the last middle.
    """
    columns, bins = middles.shape
    if tokens.shape[1] != columns:
        raise ValueError(
            f"got middles for {columns} columns, but {tokens.shape[1]} tokens to "
            "decode; the middles must cover the columns of one part of a transition"
        )
    offset = torch.arange(0, columns * bins, bins, device=tokens.device)
    return middles.flatten()[tokens.clamp_max(bins - 1) + offset]


def decode_pair(
    tokens: Tensor, observation: Tensor, action: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the numbers [R, Do] and [R, Da] of transitions [R, P], as a critic's.

    The transition is observation, action, reward, value.

    Raises ValueError unless middles [Do, V] and [Da, V] leave two tokens of it.
    """
    start, end = len(observation), len(observation) + len(action)
    if tokens.shape[1] != end + 2:
        raise ValueError(
            f"got middles for {start} observation and {end - start} action columns,"
            f" but a transition of {tokens.shape[1]} tokens; it needs their sum + 2"
        )
    return decode(tokens[:, :start], observation), decode(tokens[:, start:end], action)
