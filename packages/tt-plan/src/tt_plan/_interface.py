"""What a planner asks of its parts: a model, an evaluator, a sampler.

Axes: B rows of a batch, T tokens of a prefix, K rows selected, R rows of a search, P
positions of a transition, W entries of a logits row (the tokens, then the stop token
where there is one), A numbers of an action.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy.typing as npt
import torch
from torch import Tensor

State = TypeVar("State")
_Seen = TypeVar("_Seen", contravariant=True)


class SequenceModel(Protocol[State]):
    """Say how likely each next token is, for rows that grow by one token at a time.

    The state is opaque to a planner. `tt_plan.testing.check_sequence_model` checks the
    laws. The logits that a call returns need to stay valid only until the next call. A
    row of logits that are all minus infinity, or of which one is NaN or plus infinity,
    has no next token: its sequence is dropped.
    """

    def start(self, prefix: Tensor, /) -> tuple[Tensor, State]:
        """Read tokens [B, T], int64; return the next token's logits [B, W]."""
        ...

    def step(self, tokens: Tensor, state: State, /) -> tuple[Tensor, State]:
        """Append tokens [B] and return logits [B, W]; the given state is used up."""
        ...

    def select(self, state: State, rows: Tensor, /) -> State:
        """Return the state of rows [K], int64, of `state`; repeats make forks."""
        ...


class DynamicsModel(Protocol[State]):
    """Say what actions lead to and earn, for rows of states.

    The state is opaque to a planner. `tt_plan.testing.check_dynamics_model` checks the
    laws. Rewards and values may be NaN or infinite: such a row loses every cut.
    """

    def step(
        self, state: State, actions: Tensor, generator: torch.Generator | None, /
    ) -> tuple[State, Tensor]:
        """Take actions [R, A]; return the next state and the rewards [R].

        The given state is used up. All random draws are the generator's.
        """
        ...

    def value(self, state: State, /) -> Tensor:
        """Return what is left to earn [R], of a state that `step` returned."""
        ...

    def select(self, state: State, rows: Tensor, /) -> State:
        """Return the state of rows [K], int64, of `state`; repeats make forks."""
        ...


class Proposal(Protocol[_Seen]):
    """Suggest actions for rows of states, such as those of who made the data."""

    def __call__(self, state: _Seen, generator: torch.Generator | None, /) -> Tensor:
        """Return actions [R, A]; the state is not used up."""
        ...


class Tokenizer(Protocol):
    """Turn numbers into tokens, column by column."""

    def encode(self, data: npt.NDArray[Any], columns: Any = None) -> npt.NDArray[Any]:
        """Return the tokens [..., C] of numbers [..., C]; `columns` is a slice."""
        ...


class Outcome(NamedTuple):
    """Hold what one transition earns and what is left to earn after it."""

    reward: Tensor  # [R]
    value: Tensor  # [R]


@runtime_checkable
class Evaluator(Protocol):
    """Say what one transition of each row of a search is worth.

    A plain function has no `positions`: wrap it in `FunctionEvaluator`.
    """

    @property
    def positions(self) -> Sequence[int] | None:
        """The positions whose logits are read: negative from the end, None for all.

        Logits at other positions are not filled in, as each costs a copy.
        """
        ...

    def __call__(self, tokens: Tensor, logits: Tensor, /) -> Outcome:
        """Return the outcome [R] of tokens [R, P] drawn from logits [R, P, W].

        A position that was given and not drawn has logits 0 at its token and minus
        infinity elsewhere. Rows that have ended hold stop tokens; what is returned for
        them is ignored. The logits are overwritten after the call.

        Only finite scores count: NaN or infinity, of either sign, rules a row out. An
        infinite bonus is to be a large finite number.
        """
        ...


class Sampler(Protocol):
    """Draw tokens for one position of a transition."""

    def __call__(
        self, logits: Tensor, count: int, generator: torch.Generator | None, /
    ) -> Tensor:
        """Return int64 tokens [R, count] for logits [R, W], W at least 1.

        A token with logits of minus infinity is never drawn. A token of -1 is none, and
        the slot stays empty: for all of a row that holds NaN or plus infinity, or
        nothing but minus infinity, as it is no distribution; and where a sampler of
        distinct tokens runs out of them. Others outside of 0 to W - 1 are refused, if
        they are on a CPU; a search does not wait for a device to look at them.
        """
        ...
