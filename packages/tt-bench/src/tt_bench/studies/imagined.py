"""Imagine what follows when the actions of an episode are replayed.

Axes: S starts, M particles of each, R = S * M rows, L steps, Do and Da numbers of an
observation and an action, P tokens of a transition.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tt_bench.interface import FloatArray
from tt_bench.methods import EnsembleDynamics
from tt_model import Decoder, TrajectoryTransformer
from tt_plan import (
    FunctionEvaluator,
    Outcome,
    Sampler,
    SequenceDynamics,
    likeliest,
    tail_cut,
)
from tt_tokenize import Bins, Layout


class Sequencer(NamedTuple):
    """A transformer and what its tokens mean."""

    model: TrajectoryTransformer
    bins: Bins
    layout: Layout


def by_transformer(
    trained: Sequencer,
    known: Tensor,
    actions: Tensor,
    generator: torch.Generator,
    *,
    memory: bool,
) -> Tensor:
    """Imagine observations [R, L, Do] by drawing tokens.

    Args:
        trained: the transformer.
        known: prefixes as tokens [R, T], which end with an observation.
        actions: [R, L, Da], replayed.
        generator: of the draws.
        memory: whether it sees what went before, or the present transition alone.
    """
    dynamics, layout = _dynamics(trained), trained.layout
    found = []
    if memory:
        state = dynamics.start(known)
        for chosen in actions.unbind(1):
            state, _ = dynamics.step(state, chosen, generator)
        state, _ = dynamics.step(state, actions[:, -1], generator)  # draws what is last
        tokens = state.tokens[:, 1:, layout.observation_slice]
    else:
        now = known[:, -layout.observation :]
        for chosen in actions.unbind(1):
            state, _ = dynamics.step(dynamics.start(now), chosen, generator)
            state, _ = dynamics.step(state, chosen, generator)
            now = state.tokens[:, 1, layout.observation_slice]
            found.append(now)
        tokens = torch.stack(found, 1)
    numbers = trained.bins.decode(tokens.numpy(), columns=layout.observation_slice)
    return torch.from_numpy(numbers)


def by_ensemble(
    dynamics: EnsembleDynamics,
    present: Tensor,
    actions: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Imagine observations [R, L, Do] from those of now [R, Do]."""
    state, found = dynamics.start(present), []
    for chosen in actions.unbind(1):
        state, _ = dynamics.step(state, chosen, generator)
        found.append(state.observations)
    return torch.stack(found, 1)


def _dynamics(trained: Sequencer) -> SequenceDynamics[Any]:
    layout = trained.layout
    return SequenceDynamics(
        Decoder(trained.model),
        FunctionEvaluator(_nothing, positions=()),
        trained.bins,
        samplers=[
            *[_going_on] * layout.observation,
            *[likeliest()] * (layout.width - layout.observation),
        ],
        observation=layout.observation,
        action=layout.action,
    )


def _nothing(tokens: Tensor, logits: Tensor) -> Outcome:
    del logits
    none = torch.zeros(len(tokens))
    return Outcome(none, none)


_EVERY: Sampler = tail_cut(0.0)


def _going_on(
    logits: Tensor, count: int, generator: torch.Generator | None, /
) -> Tensor:
    """Draw any token but the stop token, the last one."""
    return _EVERY(logits[:, :-1], count, generator)


def as_prefix(trained: Sequencer, transitions: FloatArray) -> Tensor:
    """Turn transitions [S, L, P], the last an observation alone, into tokens [S, T]."""
    layout = trained.layout
    tokens = trained.bins.encode(transitions).astype(np.int64)
    flat = tokens.reshape(len(tokens), -1)
    return torch.from_numpy(
        flat[:, : flat.shape[1] - layout.width + layout.observation]
    )
