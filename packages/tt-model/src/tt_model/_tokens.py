"""What tokens must be: bins, the stop token, and padding on the left.

Axes: B rows, T time in tokens.
"""

import torch
from torch import Tensor

from tt_model._config import TransformerConfig


def check_tokens(tokens: Tensor) -> None:
    """Refuse what is not integer tokens [B, T].

    Raises:
        ValueError: Naming the shape and the type that came.
    """
    real = not (tokens.is_floating_point() or tokens.is_complex())
    whole = real and tokens.dtype != torch.bool
    if tokens.ndim != 2 or 0 in tokens.shape or not whole:
        raise ValueError(
            "expected integer tokens of shape [rows, time], both at least 1; got "
            f"{tokens.dtype} of shape {list(tokens.shape)}"
        )


def check_values(tokens: Tensor, config: TransformerConfig) -> None:
    """Refuse tokens [B, T] outside 0..V, but for padding with whole transitions of -1.

    On an accelerator they are not looked at, for that would mean to wait for it, nor
    while a graph of what is done to them is made.

    Raises:
        ValueError: Naming the first that is wrong.
    """
    if tokens.device.type != "cpu" or torch.compiler.is_compiling():
        return
    lowest, highest = (int(end) for end in torch.aminmax(tokens.long()))
    if highest > config.vocabulary or lowest < -1:
        raise ValueError(
            f"expected tokens from 0 to {config.vocabulary} (the stop token), and -1 "
            f"as padding; got tokens from {lowest} to {highest}: encode with the bins "
            "that the model was trained with"
        )
    if lowest < 0:
        _check_padding(tokens < 0, config.transition)


def _check_padding(pad: Tensor, size: int) -> None:
    counts = pad.sum(1)
    index = torch.arange(pad.shape[1], device=pad.device)
    inside = (pad != (index < counts[:, None])).any(1)
    parts = (counts % size != 0) & (counts < pad.shape[1])
    wrong = inside | parts
    if bool(wrong.any()):
        row = int(wrong.int().argmax())
        raise ValueError(
            f"expected padding of -1 on the left alone, in whole transitions of {size} "
            f"tokens; row {row} has {int(counts[row])}"
            f"{', some of them after tokens' if bool(inside[row]) else ''}"
        )
