"""Plan with a transformer by a search over sequences of actions.

Axes: E environments, T tokens of a prefix, h transitions left of the last plan, H
planned, P tokens of a transition, A numbers of an action.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from tt_bench.methods.settings import PlannerSettings
from tt_plan import Evaluator, Sampler, SequenceDynamics, SequenceModel, cem, mppi
from tt_tokenize import Bins, Layout

_State = TypeVar("_State")


class Foreseen(NamedTuple):
    """A plan as tokens: its actions, and what the model says that they lead to."""

    tokens: Tensor  # int64 [E, H, P]


class ActionPlanner(Generic[_State]):
    """Search sequences of actions, from what is left of the last plan.

    Actions are drawn from the box that the tokenizer has tokens for, and the tokens of
    observations, rewards and values as the samplers say.
    """

    def __init__(
        self,
        model: SequenceModel[_State],
        evaluator: Evaluator,
        bins: Bins,
        layout: Layout,
        draws: Sequence[Sampler],
        settings: PlannerSettings,
        discount: float,
        device: str,
    ) -> None:
        """Compose the parts; an episode ends with the token after the last bin."""
        self._bins, self._actions = bins, layout.action_slice
        self._horizon = settings.horizon
        self._dynamics = SequenceDynamics(
            model,
            evaluator,
            bins,
            samplers=draws,
            observation=layout.observation,
            action=layout.action,
            stop=bins.bins,
        )
        middles = torch.tensor(bins.middles[layout.action_slice], device=device)
        search: Any = cem
        if settings.search == "mppi":
            search = partial(mppi, temperature=settings.temperature)
        self._search = partial(
            search,
            self._dynamics,
            bounds=(middles.amin(1), middles.amax(1)),
            horizon=settings.horizon,
            samples=settings.samples,
            elites=settings.elites,
            iterations=settings.iterations,
            discount=discount,
        )

    def __call__(self, prefix: Tensor, generator: torch.Generator) -> Foreseen:
        """Plan from a prefix [E, T], and from the middle of the box."""
        return self._plan(prefix, generator, None)

    def go_on(
        self, prefix: Tensor, generator: torch.Generator, last: Tensor, /
    ) -> Foreseen:
        """Plan from a prefix [E, T] and the transitions left of a plan [E, h, P]."""
        left = last[..., self._actions].clamp_max(self._bins.bins - 1)
        if left.shape[1] == 0:
            return self._plan(prefix, generator, None)
        numbers = self._bins.decode(left.cpu().numpy(), columns=self._actions)
        start = torch.from_numpy(numbers).to(prefix.device)[:, : self._horizon]
        missing = self._horizon - start.shape[1]
        rest = start[:, -1:].expand(-1, missing, -1)
        return self._plan(prefix, generator, torch.cat([start, rest], 1))

    def _plan(
        self, prefix: Tensor, generator: torch.Generator, start: Tensor | None
    ) -> Foreseen:
        state = self._dynamics.start(prefix)
        plan = self._search(
            state=state,
            environments=len(prefix),
            start=start,
            generator=generator,
        )
        for actions in plan.actions.unbind(1):
            state, _ = self._dynamics.step(state, actions, generator)
        return Foreseen(state.tokens)
