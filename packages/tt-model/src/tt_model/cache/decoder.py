"""A network stepped one token at a time, as planners do.

Axes: B rows of a prefix, T time in tokens, K rows selected, D features, V bins.
"""

from typing import TypeAlias

import torch
from torch import Tensor, nn

from tt_model._tokens import check_tokens, check_values
from tt_model._transformer import unwrap
from tt_model.cache.ring import RingCache
from tt_model.cache.ring_step import RingState

State: TypeAlias = RingState
"""What a decoder remembers of each row; opaque to everyone else."""

_SINGLE = 4  # bytes; logits of fewer are widened before anything is drawn from them


class Decoder:
    """Say how likely each next token is, reading every token once.

    The logits are those of the network's `next_logits`, whatever rows were selected,
    as in evaluation mode. The network's weights are read where they are at each call,
    so one that is trained on or loaded into needs no new decoder, and nothing of it is
    changed. A state holds what was computed with the weights of its time: start anew
    after they change, or after the network is moved to another device or type.

    Satisfies the planner's interface: `start`, `step`, `select`.
    """

    def __init__(self, model: nn.Module, *, plain: bool = False) -> None:
        """Take a network, or what `torch.compile` or a parallel module made of one.

        By default a step runs in kernels: of Triton on CUDA, and on a CPU of a library
        that the system's C++ compiler builds when it is first needed, and that later
        processes load from the user's cache folder. Where there is no compiler a log
        message says so. `plain` uses torch's operations alone, which define the result.

        Raises:
            ValueError: If there is no such network, or `plain` is no boolean.
        """
        if not isinstance(plain, bool):
            raise ValueError(f"expected plain to be True or False, got {plain!r}")
        self._model = unwrap(model)
        self._cache = RingCache(self._model, plain=plain)

    @torch.no_grad()
    def start(self, prefix: Tensor, /) -> tuple[Tensor, State]:
        """Read a prefix [B, T]; return the logits [B, V + 1] after it and a state.

        Sequences begin at a transition boundary; -1 pads on the left.

        Raises:
            ValueError: If the prefix is not of integers, or has no rows or no tokens;
                on a CPU if a token is neither a bin nor the stop token nor padding.
        """
        check_tokens(prefix)
        check_values(prefix, self._model.config)
        return self._answer(*self._cache.start(self._model.crop(prefix.long())))

    @torch.no_grad()
    def step(self, tokens: Tensor, state: State, /) -> tuple[Tensor, State]:
        """Read one token a row [B]; return logits [B, V + 1] and the next state.

        The state that was passed in is used up; `select` it first to branch.

        On a CPU the tokens are looked at; elsewhere that would mean to wait for them.

        Raises:
            ValueError: If there is not one token for each row of the state, or one is
                neither a bin nor the stop token.
        """
        if tokens.shape != (state.rows,):
            raise ValueError(
                f"expected one token for each of the {state.rows} rows of the state, "
                f"shape [{state.rows}]; got shape {list(tokens.shape)}"
            )
        if tokens.device.type == "cpu":
            self._check_step(tokens)
        return self._answer(*self._cache.step(tokens.long(), state))

    @torch.no_grad()
    def select(self, state: State, rows: Tensor, /) -> State:
        """Return a state whose row i is row rows[i] [K] of this one; repeats fork."""
        return self._cache.select(state, rows)

    def _check_step(self, tokens: Tensor) -> None:
        check_tokens(tokens[:, None])
        lowest, highest = (int(end) for end in torch.aminmax(tokens.long()))
        if lowest < 0 or highest > self._model.config.vocabulary:
            raise ValueError(
                f"expected tokens from 0 to {self._model.config.vocabulary}, the stop "
                f"token; got tokens from {lowest} to {highest}"
            )

    def _answer(self, features: Tensor, state: State) -> tuple[Tensor, State]:
        """Turn the last token's features [B, D] into the next token's logits."""
        config = self._model.config
        last = state.recent.last(config, state.position)
        position = (state.position - 1) % config.transition
        logits = self._model.head.at(features, position, last)
        return logits.float() if logits.dtype.itemsize < _SINGLE else logits, state
