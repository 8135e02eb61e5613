"""A next-token model as a model of dynamics: actions are given, the rest is drawn.

Axes: E environments, R rows, T tokens of a prefix, P positions of a transition, W
entries of a logits row, Do and A numbers of an observation and an action, h transitions
imagined.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import torch
from torch import Tensor

from tt_plan._interface import Evaluator, Sampler, SequenceModel, State, Tokenizer
from tt_plan._transition import LogitBuffer, Sampling
from tt_plan._validate import (
    check_counts,
    check_logits,
    check_outcome,
    check_prefix,
    check_samplers,
    check_step,
    read_positions,
)


@dataclass(frozen=True)
class Sequences(Generic[State]):
    """Hold R sequences of which the next token is an observation's or an action's."""

    memory: State  # the model's
    logits: Tensor  # [R, W], of the next token
    observation: Tensor  # int64 [R, Do], or [R, 0] where it is still to be drawn
    tokens: Tensor  # int64 [R, h, P], the transitions imagined so far
    ended: Tensor  # [R]
    left: Tensor  # [R], the value after the last transition


class SequenceDynamics(Generic[State]):
    """Make a `DynamicsModel` of a `SequenceModel`, a tokenizer and an evaluator.

    Observations, rewards and values are drawn by the samplers, and what a transition
    earns is the evaluator's word, as in `beam_search`: a sequence that draws the stop
    token has ended and earns nothing more. The tokenizer is asked for the tokens of
    actions, on the CPU. The state knows the transitions imagined, as `tokens`.
    """

    def __init__(
        self,
        model: SequenceModel[State],
        evaluator: Evaluator,
        tokenizer: Tokenizer,
        *,
        samplers: Sequence[Sampler],
        observation: int,
        action: int,
        stop: int | None = None,
    ) -> None:
        """Compose the parts.

        Args:
            model: the next-token model.
            evaluator: rewards and values of transitions.
            tokenizer: whose columns are the positions of a transition.
            samplers: P samplers; those of actions are not used.
            observation: Do, tokens of an observation, the first of a transition.
            action: A, tokens of an action, which follow.
            stop: the stop token, the last of the model's logits; None if there is none.

        Raises:
            ValueError: a part is none, or a transition has fewer tokens.
        """
        check_samplers(samplers)
        check_counts(observation=observation, action=action)
        if observation + action > len(samplers):
            raise ValueError(
                f"a transition of {observation} observation and {action} action tokens "
                f"needs as many samplers at least, but got {len(samplers)}"
            )
        self._read = read_positions(evaluator, len(samplers))
        self._model, self._evaluator, self._tokenizer = model, evaluator, tokenizer
        self._samplers, self._stop = samplers, stop
        self._observation = observation
        self._actions = slice(observation, observation + action)

    @torch.no_grad()
    def start(self, prefix: Tensor) -> Sequences[State]:
        """Read a prefix [E, T] that ends with an observation.

        Raises:
            ValueError: it ends elsewhere, or is no int64 [E, T].
        """
        check_prefix(prefix)
        width, known = len(self._samplers), self._observation
        if prefix.shape[1] % width != known:
            raise ValueError(
                f"the prefix must end with an observation, {known} tokens after whole "
                f"transitions of {width}, but got {prefix.shape[1]} tokens"
            )
        logits, memory = self._model.start(prefix)
        check_logits(logits, len(prefix), self._stop)
        none = torch.zeros(len(prefix), dtype=torch.bool, device=logits.device)
        return Sequences(
            memory,
            logits.clone(),  # of the model's they are valid until the next call alone
            prefix[:, -known:],
            prefix.new_zeros(len(prefix), 0, width),
            none,
            logits.new_zeros(len(prefix), dtype=torch.float32),
        )

    @torch.no_grad()
    def step(
        self,
        state: Sequences[State],
        actions: Tensor,
        generator: torch.Generator | None,
        /,
    ) -> tuple[Sequences[State], Tensor]:
        """Take actions [R, A]; return the next state and the rewards [R].

        The observation that follows is drawn when it is needed: at the next step.

        Raises:
            ValueError: actions of another shape, or a part that returns another.
        """
        tokens = self._encode(actions, len(state.logits))
        buffer = LogitBuffer(
            state.logits.new_zeros(
                len(tokens), len(self._samplers), state.logits.shape[1]
            ),
            self._read,
        )
        sampling = Sampling(self._samplers, 0, self._stop, generator, buffer)
        pen = _Pen(self._model, state, sampling)
        pen.write_observation(state.observation, self._observation)
        for position, column in enumerate(tokens.unbind(1), self._observation):
            pen.write(position, column)
        for position in range(self._actions.stop, len(self._samplers)):
            pen.draw(position)
        return self._judge(pen, state.tokens)

    def value(self, state: Sequences[State], /) -> Tensor:
        """Return the value [R] after the last transition."""
        return state.left

    def select(self, state: Sequences[State], rows: Tensor, /) -> Sequences[State]:
        """Return the state of rows [K]; repeats make forks."""
        return Sequences(
            self._model.select(state.memory, rows),
            state.logits.index_select(0, rows),
            state.observation.index_select(0, rows),
            state.tokens.index_select(0, rows),
            state.ended.index_select(0, rows),
            state.left.index_select(0, rows),
        )

    def _encode(self, actions: Tensor, rows: int) -> Tensor:
        count = self._actions.stop - self._actions.start
        if actions.shape != (rows, count):
            raise ValueError(
                f"actions must be {[rows, count]}, one for each row of the state, but "
                f"their shape is {list(actions.shape)}"
            )
        encoded = self._tokenizer.encode(actions.cpu().numpy(), columns=self._actions)
        return torch.from_numpy(encoded.astype("int64")).to(actions.device)

    def _judge(
        self, pen: "_Pen[State]", past: Tensor
    ) -> tuple[Sequences[State], Tensor]:
        """Ask the evaluator what the transition earns that was just written."""
        tokens = torch.stack(pen.tokens, 1)
        empty = (tokens < 0).any(1)
        tokens = tokens.clamp_min(0)
        outcome = self._evaluator(tokens, pen.sampling.buffer.logits)
        reward, value = check_outcome(outcome, tokens)
        reward = reward.masked_fill(pen.ended, 0.0).masked_fill(empty, -torch.inf)
        following = Sequences(
            pen.memory,
            pen.logits.clone(),
            tokens[:, :0],
            torch.cat([past, tokens[:, None]], 1),
            pen.ended,
            value.masked_fill(pen.ended | empty, 0.0),
        )
        return following, reward


class _Pen(Generic[State]):
    """Write a transition of R rows, token by token."""

    def __init__(
        self, model: SequenceModel[State], state: Sequences[State], sampling: Sampling
    ) -> None:
        self._model, self.memory, self.logits = model, state.memory, state.logits
        self.sampling, self.ended = sampling, state.ended
        self.tokens: list[Tensor] = []

    def write_observation(self, given: Tensor, size: int) -> None:
        """Take an observation [R, Do] that was read, or draw one."""
        if given.shape[1]:
            self.sampling.buffer.write_given(given)
            self.tokens += given.unbind(1)
            return
        for position in range(size):
            self.draw(position)

    def write(self, position: int, tokens: Tensor) -> None:
        """Append tokens [R]; what has ended goes on with the stop token."""
        self.sampling.buffer.write(position, self.logits)
        if self.sampling.stop is not None:
            tokens = tokens.masked_fill(self.ended, self.sampling.stop)
        self._append(tokens)

    def draw(self, position: int) -> None:
        """Append tokens drawn from the logits."""
        tokens, self.ended = self.sampling.draw(position, self.logits, self.ended)
        self._append(tokens)

    def _append(self, tokens: Tensor) -> None:
        rows, width = self.logits.shape
        self.tokens.append(tokens)
        self.logits, self.memory = self._model.step(tokens.clamp_min(0), self.memory)
        check_step(self.logits, rows, width)
