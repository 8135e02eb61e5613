"""Check anyone's sequence model against the laws that a planner relies on.

Logits have the right shape, and none is NaN or plus infinity. A step after a start
gives what a longer start gives. Rows do not depend on each other. Selecting rows of a
state and stepping them continues those rows. A state can be selected twice, and the
forks do not touch each other. A row that is fed stop tokens leaves the others as they
are. If the model supports it, whole transitions of -1 before a prefix change nothing.

A model may reuse its buffers: logits are read before the next call, and no state is
used after another start.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tt_plan._dynamics_laws import check_dynamics_model
from tt_plan._interface import SequenceModel

__all__ = ["check_dynamics_model", "check_sequence_model"]


@torch.no_grad()
def check_sequence_model(
    model: SequenceModel[Any],
    *,
    vocabulary: int,
    transition: int,
    transitions: int = 2,
    batch: int = 3,
    stop: bool = True,
    left_padding: bool = False,
    tolerance: float = 1e-4,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> None:
    """Raise AssertionError, naming the law and the place, if the model breaks a law.

    Args:
        model: the model, as a planner would use it (not in training mode).
        vocabulary: V, tokens that can be given to the model, the stop token aside.
        transition: P, tokens of a transition.
        transitions: length of the longest sequence tried, in transitions; make it
            longer than the model's window to see that it slides.
        batch: rows tried at once, at least 2.
        stop: whether logits have V + 1 entries, and token V is the stop token.
        left_padding: whether the model takes -1 as padding before a prefix.
        tolerance: largest difference, absolute and relative, between equal logits.
        seed: seed of the random tokens.
        device: where the tokens are made.

    Raises:
        AssertionError: a law is broken.
        ValueError: fewer than 2 rows, or an empty sequence.
    """
    if batch < 2 or transitions < 1 or transition < 1 or vocabulary < 1:
        raise ValueError(
            "the laws need at least 2 rows, 1 transition and 1 token, but got "
            f"{batch=}, {transitions=}, {transition=}, {vocabulary=}"
        )
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, transitions * transition + 1)
    tokens = torch.randint(vocabulary, shape, generator=generator).to(device)
    _check_shape(model, tokens, vocabulary + stop)
    _check_steps(model, tokens, tolerance)
    _check_rows(model, tokens, tolerance)
    _check_select(model, tokens, tolerance)
    _check_forks(model, tokens, tolerance)
    if stop:
        _check_stop(model, tokens, vocabulary, transition, tolerance)
    if left_padding:
        _check_padding(model, tokens, transition, tolerance)


def _run(
    model: SequenceModel[Any], tokens: Tensor, start: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield the logits after each length of tokens [B, T], from `start` on."""
    logits, state = model.start(tokens[:, :start])
    yield start, logits.clone()
    for index in range(start, tokens.shape[1]):
        logits, state = model.step(tokens[:, index], state)
        yield index + 1, logits.clone()


def _check_distribution(place: str, logits: Tensor) -> None:
    """Name NaN by itself: compared with anything it looks like another broken law."""
    if bool((logits.isnan() | logits.isposinf()).any()):
        raise AssertionError(
            f"{place}: logits are NaN or infinite, which is no distribution; training "
            "diverged? look at the model's losses and weights"
        )


def _check_equal(law: str, found: Tensor, expected: Tensor, tolerance: float) -> None:
    for logits in (found, expected):
        _check_distribution(law, logits)
    if not torch.allclose(found, expected, rtol=tolerance, atol=tolerance):
        apart = torch.where(found == expected, 0.0, found - expected)  # or inf - inf
        worst = apart.abs().max().item()
        raise AssertionError(f"{law}: logits differ by {worst:.3g}")


def _check_shape(model: SequenceModel[Any], tokens: Tensor, width: int) -> None:
    expected = (len(tokens), width)
    for length, logits in _run(model, tokens, 1):
        if logits.shape != expected:
            raise AssertionError(
                f"logits after {length} tokens must be {expected}, but their shape is "
                f"{tuple(logits.shape)}"
            )
        _check_distribution(f"after {length} tokens", logits)


def _check_steps(model: SequenceModel[Any], tokens: Tensor, tolerance: float) -> None:
    started = {
        length: model.start(tokens[:, :length])[0].clone()
        for length in range(1, tokens.shape[1] + 1)
    }
    for length, stepped in _run(model, tokens, 1):
        law = f"steps after a start must equal a start with all {length} tokens"
        _check_equal(law, stepped, started[length], tolerance)


def _check_rows(model: SequenceModel[Any], tokens: Tensor, tolerance: float) -> None:
    together = dict(_run(model, tokens, 1))
    for row in range(len(tokens)):
        for length, alone in _run(model, tokens[row : row + 1], 1):
            law = f"row {row} after {length} tokens must not depend on other rows"
            _check_equal(law, together[length][row : row + 1], alone, tolerance)


def _check_select(model: SequenceModel[Any], tokens: Tensor, tolerance: float) -> None:
    """Widen and narrow the batch in turn, as a search does, one step after each."""
    batch, length = tokens.shape
    lineage, found = tokens[:, :1], []
    _, state = model.start(lineage)
    for index in range(1, length):
        wide = torch.arange(batch * (1 + index % 2), device=tokens.device)
        rows = (index * wide + wide // 2) % len(lineage)  # repeats, gaps, no order
        following = tokens[wide % batch, index]
        lineage = torch.cat([lineage[rows], following[:, None]], 1)
        logits, state = model.step(following, model.select(state, rows))
        found.append((lineage, logits.clone()))
    for lineage, logits in found:
        law = "select, then step must continue the selected rows"
        _check_equal(law, logits, model.start(lineage)[0], tolerance)


def _check_forks(model: SequenceModel[Any], tokens: Tensor, tolerance: float) -> None:
    length = max(1, tokens.shape[1] - 2)
    first, second = torch.tensor([[1, 0], [0, 0]], device=tokens.device)
    _, state = model.start(tokens[:, :length])
    forks = [model.select(state, first), model.select(state, second)]
    lineages = [tokens[first, :length], tokens[second, :length]]
    found = []
    for index in (0, -1):  # the forks take turns
        for fork, following in enumerate((tokens[:2, index], tokens[-2:, index])):
            logits, forks[fork] = model.step(following, forks[fork])
            lineages[fork] = torch.cat([lineages[fork], following[:, None]], 1)
            found.append((fork, lineages[fork], logits.clone()))
    for fork, lineage, logits in found:
        law = f"fork {fork} of a state selected twice must not feel the other"
        _check_equal(law, logits, model.start(lineage)[0], tolerance)


def _check_stop(
    model: SequenceModel[Any],
    tokens: Tensor,
    vocabulary: int,
    transition: int,
    tolerance: float,
) -> None:
    ended = tokens.clone()
    ended[0, transition:] = vocabulary
    alive = dict(_run(model, tokens, transition))
    for length, logits in _run(model, ended, transition):
        law = f"stop tokens in row 0 must not change other rows, after {length} tokens"
        _check_equal(law, logits[1:], alive[length][1:], tolerance)
        _check_distribution(f"after stop tokens in row 0, token {length}", logits)


def _check_padding(
    model: SequenceModel[Any], tokens: Tensor, transition: int, tolerance: float
) -> None:
    padded = tokens.clone()
    padded[0, :transition] = -1
    short = dict(_run(model, tokens[:1, transition:], 1))
    full = dict(_run(model, tokens, 1))
    for length, logits in _run(model, padded, transition + 1):
        law = f"padding of row 0 must change nothing, after {length} tokens"
        expected = torch.cat([short[length - transition], full[length][1:]])
        _check_equal(law, logits, expected, tolerance)
