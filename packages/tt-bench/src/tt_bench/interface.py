"""What the parts of the bench expect of one another.

Axes: E environments, Do observation numbers, Da action numbers, P positions of a
transition (observation, action, reward, value), H planned transitions, T tokens.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import gymnasium
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tt_tokenize import Layout

FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

MakeEnv: TypeAlias = Callable[[], gymnasium.Env[Any, Any]]
"""Makes one environment with a flat box of observations and one of actions."""

Advance: TypeAlias = Callable[[int, str], None]
"""Says how far a piece of work is: units done so far, and a short note."""


class Event(NamedTuple):
    """Say something, or how far a piece of work is.

    Attributes:
        kind: a "message" of its own, or of a piece of work that it has "begun", is
            "going" on, or has "ended", finished or not.
        text: the message, or the name of the piece of work.
        done: units done so far.
        total: units in all.
        note: a short word on how it goes.
    """

    kind: Literal["message", "begun", "going", "ended"]
    text: str
    done: int = 0
    total: int = 0
    note: str = ""


Notify: TypeAlias = Callable[[Event], None]
"""Is told everything that happens in a run: messages and progress."""


def silent(_: Event) -> None:
    """Tell nobody."""


@contextmanager
def working(notify: Notify, name: str, total: int) -> Iterator[Advance]:
    """Open a piece of work of a name and a number of units."""
    notify(Event("begun", name, total=total))
    try:
        yield lambda done, note: notify(Event("going", name, done, total, note))
    finally:
        notify(Event("ended", name, total=total))


class Agent(Protocol):
    """Act in E environments at once, which start together and end one by one."""

    def start(self, count: int, seed: int, /) -> None:
        """Forget everything and get ready for `count` new episodes."""
        ...

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Choose actions [E, Da] for observations [E, Do].

        Only rows that are `active` [E] count; what other rows hold does not matter.
        """
        ...

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Learn what the actions [E, Da] of the active rows earned: rewards [E]."""
        ...


Memory: TypeAlias = dict[str, npt.NDArray[Any]]
"""What an agent knows of the episodes that it plays, as arrays by name."""


@runtime_checkable
class RememberingAgent(Agent, Protocol):
    """An agent whose memory can be saved between two steps and given back later."""

    def memory(self) -> Memory:
        """Copy everything that the next actions depend on."""
        ...

    def remember(self, memory: Memory, /) -> None:
        """Go on, after a `start` with the same arguments, from what was remembered."""
        ...


class Tokenizer(Protocol):
    """Numbers to tokens and back, column by column."""

    @property
    def bins(self) -> int:
        """Number of bins a column; tokens from there on mean something else."""
        ...

    def encode(self, data: npt.NDArray[Any], columns: Any = None) -> npt.NDArray[Any]:
        """Turn numbers [..., C] into tokens [..., C]."""
        ...

    def decode(self, tokens: npt.NDArray[Any], columns: Any = None) -> FloatArray:
        """Turn tokens [..., C] into numbers [..., C]."""
        ...


class Planned(Protocol):
    """A plan: what `tt_plan.beam_search` and its relatives return, or part of it."""

    @property
    def tokens(self) -> Tensor:
        """The best sequence of every environment [E, H, P]."""
        ...


Planner: TypeAlias = Callable[[Tensor, torch.Generator], Planned]
"""Plans from a prefix int64 [E, T], all random draws from the generator."""


@runtime_checkable
class ContinuingPlanner(Protocol):
    """A planner that can start from what is left of the last plan."""

    def go_on(
        self, prefix: Tensor, generator: torch.Generator, last: Tensor, /
    ) -> Planned:
        """Plan from a prefix [E, T] and the transitions left of a plan [E, h, P].

        There may be none left: h is 0.
        """
        ...


@runtime_checkable
class PlanningAgent(Agent, Protocol):
    """An agent whose plans can be read, such as `TransformerAgent`.

    Attributes:
        bins: tokenizer of the plans.
        layout: sizes of the parts of a planned transition.
        stride: steps of the environment that are one planned transition.
        plan: the plan made last, None before the first.
    """

    @property
    def bins(self) -> Tokenizer:
        """Say how plans are decoded."""
        ...

    @property
    def layout(self) -> Layout:
        """Say where the parts of a transition stand."""
        ...

    @property
    def stride(self) -> int:
        """Count the steps of the environment in a planned transition."""
        ...

    @property
    def plan(self) -> Planned | None:
        """Return the plan made last."""
        ...
