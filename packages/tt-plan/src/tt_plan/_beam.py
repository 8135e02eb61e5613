"""Beam search over transitions.

A transition continues each beam in several ways, which part at position T mod P (the
first action token, if the prefix ends with an observation). When its last token has
been drawn the candidates are scored and cut back, and only the survivors step that
token. Each token is given to the model once.

Axes: E environments, B beams of each, C candidates of each beam, H transitions, P
positions of a transition, W entries of a logits row. Rows are ordered by environment:
row = environment * B + beam. Nothing in the search waits for the device, and no shape
depends on the data, as the capture of a graph requires.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import torch
from torch import Tensor

from tt_plan._cut import cut, score
from tt_plan._history import History, Plan
from tt_plan._interface import Evaluator, Sampler, SequenceModel, State
from tt_plan._transition import Drawing, Transition
from tt_plan._validate import (
    check_counts,
    check_discount,
    check_logits,
    check_prefix,
    check_samplers,
    read_positions,
)


def beam_search(
    model: SequenceModel[State],
    prefix: Tensor,
    evaluator: Evaluator,
    *,
    samplers: Sequence[Sampler],
    horizon: int,
    beam: int = 128,
    candidates: int = 2,
    discount: float = 0.99,
    stop: int | None = None,
    generator: torch.Generator | None = None,
) -> Plan:
    """Find the continuation that earns most, keeping the best beams as it goes.

    Janner et al. 2021, algorithm 1, arXiv 2106.02039. Transition t = 0, 1, ... scores
    sum_{i<=t} discount^i reward_i + discount^(t+1) value_t. A beam that draws the stop
    token has ended and keeps the sum of its rewards so far.

    Args:
        model: the next-token model; it runs without gradients.
        prefix: int64 [E, T], T >= 1; T mod P is the position of the next token.
        evaluator: rewards and values of transitions.
        samplers: P samplers, one for each position of a transition.
        horizon: transitions to plan, the one in progress included.
        beam: sequences to keep for each environment.
        candidates: continuations of each; the first transition draws beam * candidates
            from the logits that all beams share.
        discount: weight of what is one transition further away.
        stop: the stop token, the last of the model's logits; None if there is none.
        generator: source of randomness, on the device of the logits.

    Raises:
        ValueError: a setting out of its range, or shapes that do not fit together.
    """
    check_prefix(prefix)
    check_samplers(samplers)
    check_counts(horizon=horizon, beam=beam, candidates=candidates)
    check_discount(discount)
    reads = read_positions(evaluator, len(samplers))
    drawing = Drawing(samplers, generator, stop, reads)
    settings = _Settings(horizon, beam, candidates, discount)
    with torch.no_grad():
        return _Search(model, prefix, evaluator, drawing, settings).run()


@dataclass(frozen=True)
class _Settings:
    horizon: int
    beam: int
    candidates: int
    discount: float


class _Search(Generic[State]):
    """Hold a search in progress: the model's state and what the beams have earned."""

    def __init__(
        self,
        model: SequenceModel[State],
        prefix: Tensor,
        evaluator: Evaluator,
        drawing: Drawing,
        settings: _Settings,
    ) -> None:
        """Read the prefix [E, T]."""
        self._model, self._evaluator = model, evaluator
        self._drawing, self._settings = drawing, settings
        self._logits, self._state = model.start(prefix)
        check_logits(self._logits, len(prefix), drawing.stop)
        self._environments, length = prefix.shape
        self._parting = length % len(drawing.samplers)
        self._rows = torch.arange(
            self._environments * settings.beam * settings.candidates,
            device=self._logits.device,
        )
        given = prefix[:, length - self._parting :]
        self._narrow = Transition.given(drawing, given, self._logits)
        self._wide = Transition(drawing, len(self._rows), self._logits)
        self._returns = self._logits.new_zeros(len(prefix), dtype=torch.float32)
        self._history = History()

    def run(self) -> Plan:
        """Plan one transition after the other."""
        last = self._settings.horizon - 1
        self._branch()
        for step in range(last):
            self._advance(self._judge(step))
            self._share()
            self._branch()
        scores = self._judge(last)
        rows = self._keep(scores)
        kept = scores.index_select(0, rows).view(self._environments, -1)
        sequences = self._history.read()  # [E * B, H, P]
        beams = sequences.view(*kept.shape, *sequences.shape[1:])
        return Plan(beams[:, 0], kept[:, 0], beams, kept)

    def _branch(self) -> None:
        """Draw every candidate, from where candidates part to the transition's end."""
        each = len(self._rows) // len(self._logits)
        self._origin = self._rows // each
        tokens = self._wide.fan_out(
            self._narrow, self._origin, self._parting, self._logits
        )
        if each > 1:
            self._state = self._model.select(self._state, self._origin)
        for position in range(self._parting + 1, len(self._drawing.samplers)):
            self._step(tokens)
            tokens = self._wide.draw(position, self._logits)

    def _judge(self, step: int) -> Tensor:
        """Add up what the candidates have earned; return their scores [E * B * C]."""
        returns = self._returns.index_select(0, self._origin)
        self._returns, scores = score(
            self._evaluator, self._wide, returns, self._settings.discount, step
        )
        return scores

    def _keep(self, scores: Tensor) -> Tensor:
        """Cut to the best; return their rows [E * B]."""
        rows = cut(scores, self._environments, self._settings.beam)
        parents = self._origin.index_select(0, rows)
        self._history.append(self._wide.tokens.index_select(0, rows), parents)
        return rows

    def _advance(self, scores: Tensor) -> None:
        """Cut to the beam and let the survivors step the transition's last token."""
        if self._settings.candidates > 1:
            rows = self._keep(scores)
            self._state = self._model.select(self._state, rows)
        else:  # nothing to cut: the rows stay where they are
            rows = self._rows
            self._history.append(self._wide.tokens.clone(), self._origin)
        self._returns = self._returns.index_select(0, rows)
        if len(self._narrow.tokens) != len(rows):
            self._narrow = Transition(self._drawing, len(rows), self._logits)
        self._narrow.ended = self._wide.ended.index_select(0, rows)
        self._step(self._wide.tokens[:, -1].index_select(0, rows))

    def _share(self) -> None:
        """Draw the positions of each beam that come before its candidates part."""
        for position in range(self._parting):
            self._step(self._narrow.draw(position, self._logits))

    def _step(self, tokens: Tensor) -> None:
        self._logits, self._state = self._model.step(tokens, self._state)
