"""Beam search over transitions.

Each beam branches into candidates at position T mod P (the first action token, if the
prefix ends with an observation). When their last token has been drawn the candidates
are scored and cut back to the beam, and only the survivors step that token. Each token
is given to the model once.

Axes: E environments, B beams of each, C candidates of each beam, H transitions, P
positions of a transition, W entries of a logits row. Rows are ordered by environment:
row = environment * B + beam. Nothing in the search waits for the device, and no shape
depends on the data, as the capture of a graph requires.

A token of -1 is none. It stays in the record of a transition, token 0 is stepped in its
place, and the candidate scores minus infinity, as does one whose score is NaN or plus
infinity: it fills a row until a better one takes it. Whether an environment has
anything better is looked at once, in the plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from tt_plan._checked import check_plan
from tt_plan._history import Cut, Plan, flat_rows, trace_back
from tt_plan._interface import Evaluator, Sampler, SequenceModel, State
from tt_plan._reader import Reader
from tt_plan._rows import finite_or_least
from tt_plan._transition import LogitBuffer, Sampling
from tt_plan._validate import (
    check_counts,
    check_discount,
    check_outcome,
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
    token has ended and keeps the sum of its rewards so far. Only finite scores count: a
    sequence of another, or with no token to go on with, is dropped.

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
        ValueError: a setting out of its range, shapes that do not fit together, or an
            environment without a sequence of finite score.
    """
    check_prefix(prefix)
    check_samplers(samplers)
    check_counts(horizon=horizon, beam=beam, candidates=candidates)
    check_discount(discount)
    read = read_positions(evaluator, len(samplers))
    settings = _Settings(
        samplers, read, horizon, beam, candidates, discount, stop, generator
    )
    with torch.no_grad():
        plan = _search(model, prefix, evaluator, settings)
        check_plan(plan, model, prefix, stop, _otherwise(evaluator))
    return plan


def _otherwise(evaluator: Evaluator) -> str:
    return (
        f"the rewards or values of {type(evaluator).__name__} are NaN or infinite, or "
        "a sampler found no token; look at what they return"
    )


@dataclass(frozen=True)
class _Settings:
    samplers: Sequence[Sampler]
    read: frozenset[int]  # positions whose logits the evaluator reads
    horizon: int
    beam: int
    candidates: int
    discount: float
    stop: int | None
    generator: torch.Generator | None


class _Beams(NamedTuple):
    """Hold R sequences, drawn up to where they branch: E at first, then E * B."""

    logits: Tensor  # [R, W], of the next token
    tokens: Tensor  # [R, T mod P], of the transition in progress; -1 is none
    ended: Tensor  # [R]
    returns: Tensor  # [R], discounted rewards of the transitions before


class _Candidates(NamedTuple):
    """Hold N = E * B * C sequences, drawn to the end of a transition."""

    parents: Tensor  # [N], the beam that each continues
    tokens: Tensor  # [N, P]
    logits: Tensor  # [N, P, W], where the evaluator reads them
    ended: Tensor  # [N]
    empty: Tensor  # [N], slots that hold no sequence, as a token of it is none
    returns: Tensor  # [N], discounted rewards of the transitions before


def _search(
    model: SequenceModel[State],
    prefix: Tensor,
    evaluator: Evaluator,
    settings: _Settings,
) -> Plan:
    """Draw candidates, evaluate them and cut them, one transition after the other."""
    logits, reader = Reader.start(model, prefix, settings.stop)
    beams, sampling = _begin(prefix, logits, settings)
    cuts: list[Cut] = []
    for step in range(settings.horizon):
        candidates = _draw(reader, beams, sampling)
        returns, scores = _evaluate(evaluator, candidates, settings.discount, step)
        rows = _cut(scores, len(prefix), settings.beam)
        cuts.append(Cut(candidates.tokens, candidates.parents).take(rows))
        if step + 1 < settings.horizon:
            beams = _advance(reader, candidates, returns, rows, sampling)
    return _rank(cuts, scores.index_select(0, rows), len(prefix))


def _begin(
    prefix: Tensor, logits: Tensor, settings: _Settings
) -> tuple[_Beams, Sampling]:
    """Begin with one beam of each prefix [E, T], which ends where beams branch."""
    (environments, length), width = prefix.shape, len(settings.samplers)
    rows = environments * settings.beam * settings.candidates
    buffer = LogitBuffer(logits.new_zeros(rows, width, logits.shape[1]), settings.read)
    given = prefix[:, length - length % width :]
    buffer.write_given(given)
    ended = torch.zeros(environments, dtype=torch.bool, device=logits.device)
    returns = torch.zeros(environments, dtype=torch.float32, device=logits.device)
    beams = _Beams(logits, given, ended, returns)
    return beams, Sampling(
        settings.samplers, length % width, settings.stop, settings.generator, buffer
    )


def _draw(reader: Reader[State], beams: _Beams, sampling: Sampling) -> _Candidates:
    """Branch the beams, and draw on to the end of the transition."""
    logits, branching = sampling.buffer.logits, sampling.branching
    count = len(logits) // len(beams.logits)
    parents = torch.arange(len(logits), device=logits.device) // count
    first, ended = sampling.branch(beams.logits, beams.ended, parents)
    if count > 1:
        reader.select(parents)
    rest = range(branching + 1, logits.shape[1])
    drawn, ended = _extend(reader, first, ended, rest, sampling)
    early = beams.tokens.index_select(0, parents)
    tokens = torch.cat([early, torch.stack(drawn, 1)], 1)
    empty = (tokens < 0).any(1)
    returns = beams.returns.index_select(0, parents)
    return _Candidates(parents, tokens.clamp_min(0), logits, ended, empty, returns)


def _extend(
    reader: Reader[State],
    tokens: Tensor,
    ended: Tensor,
    positions: range,
    sampling: Sampling,
) -> tuple[list[Tensor], Tensor]:
    """Step tokens [R] and draw the next ones, position by position.

    Returns:
        The tokens [R] given and those of each position, of which the last are not yet
        stepped, and -1 is none; and who has ended [R].
    """
    drawn = [tokens]
    for position in positions:
        logits = reader.step(drawn[-1].clamp_min(0))
        tokens, ended = sampling.draw(position, logits, ended)
        drawn.append(tokens)
    return drawn, ended


def _evaluate(
    evaluator: Evaluator, candidates: _Candidates, discount: float, step: int
) -> tuple[Tensor, Tensor]:
    """Return the discounted rewards [N] up to the `step`-th transition, and the scores.

    A row that has ended earns nothing. An empty slot scores minus infinity, and so does
    what is no finite number.
    """
    outcome = evaluator(candidates.tokens, candidates.logits)
    reward, value = check_outcome(outcome, candidates.tokens)
    finished = candidates.ended | candidates.empty
    reward = reward.masked_fill(finished, 0.0)
    value = value.masked_fill(finished, 0.0)
    returns = candidates.returns + discount**step * reward
    returns = returns.masked_fill(candidates.empty, -torch.inf)
    scores = returns + discount ** (step + 1) * value
    return returns, finite_or_least(scores)


def _cut(scores: Tensor, environments: int, beam: int) -> Tensor:
    """Return the rows [E * B] that survive: the best, or all if there are no more."""
    if len(scores) == environments * beam:
        return torch.arange(len(scores), device=scores.device)
    return _best(scores, environments, beam)


def _best(scores: Tensor, environments: int, beam: int) -> Tensor:
    """Return the rows [E * B] of the `beam` best scores of each environment.

    They are best first; of equal scores the earlier row comes first.
    """
    table = scores.view(environments, -1)
    best = table.sort(dim=1, descending=True, stable=True).indices[:, :beam]
    return flat_rows(best, table.shape[1])


def _advance(
    reader: Reader[State],
    candidates: _Candidates,
    returns: Tensor,
    rows: Tensor,
    sampling: Sampling,
) -> _Beams:
    """Step the survivors' last token, and draw on to where they branch again."""
    if len(rows) < len(candidates.tokens):
        reader.select(rows)
    last = candidates.tokens[:, -1].index_select(0, rows)
    ended = candidates.ended.index_select(0, rows)
    early = range(sampling.branching)
    drawn, ended = _extend(reader, last, ended, early, sampling)
    logits = reader.step(drawn[-1].clamp_min(0))
    tokens = torch.stack(drawn, 1)[:, 1:]
    return _Beams(logits, tokens, ended, returns.index_select(0, rows))


def _rank(cuts: Sequence[Cut], scores: Tensor, environments: int) -> Plan:
    """Return the sequences that end in the rows of the last cut, best first."""
    rows = _best(scores, environments, len(scores) // environments)
    sequences = trace_back(cuts, rows)  # [E * B, H, P]
    beams = sequences.view(environments, -1, *sequences.shape[1:])
    return Plan.ranked(beams, scores.index_select(0, rows).view(environments, -1))
