"""Plan with a sequence model at every step and execute the beginning of the plan."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tt_bench.agents.bounds import action_numbers
from tt_bench.agents.device import check_device
from tt_bench.agents.remembered import remembered, set_generator
from tt_bench.interface import (
    BoolArray,
    ContinuingPlanner,
    FloatArray,
    Memory,
    Planned,
    Planner,
    Tokenizer,
)
from tt_tokenize import Layout

_PADDING = -1
_SEEDS = 2**64  # that torch has


class TransformerAgent:
    """Act in receding horizon: plan from the latest transitions, execute, repeat.

    What the planner sees is the last `context - 1` transitions as they happened and
    the observation of now, as tokens; before the first ones have happened, whole
    transitions of -1 stand in their place. The value of a transition that happened
    is not known yet: its token is the one the plan foresaw. A model that masks
    value tokens from attention never reads it.

    Args:
        bins: the tokenizer the model was trained with.
        layout: sizes of the parts of a transition.
        planner: plans from prefixes [E, T]; it holds the model and the settings. One
            that can go on from what is left of the last plan is given that.
        context: transitions the planner sees, the present one included.
        low: lowest actions [Da]; decoded actions are clipped to the box.
        high: highest actions [Da].
        plan_every: execute this many actions of a plan before the next plan.
        device: where the planner wants its prefix and generator.

    Attributes:
        bins: as given.
        layout: as given.
        plan: the plan made last, for the rows active then; None before the first.
        stride: steps of the environment that are one planned transition: 1.
    """

    stride = 1

    def __init__(
        self,
        bins: Tokenizer,
        layout: Layout,
        planner: Planner,
        *,
        context: int,
        low: FloatArray,
        high: FloatArray,
        plan_every: int = 1,
        device: str = "cpu",
    ) -> None:
        """Compose the parts.

        Raises:
            ValueError: a setting is out of its range, the bounds are not those of an
                action, or there is no such device.
        """
        if context < 1 or plan_every < 1:
            raise ValueError(
                "expected context and plan_every of at least 1, "
                f"got {context} and {plan_every}"
            )
        if (numbers := action_numbers(low, high)) != layout.action:
            raise ValueError(
                f"expected bounds of {layout.action} action numbers, got {numbers}; "
                "the layout must be that of the environment"
            )
        check_device(device)
        self.bins = bins
        self.layout = layout
        self._planner = planner
        self._past = context - 1
        self._low = low
        self._high = high
        self._plan_every = plan_every
        self._device = device
        self.start(0, 0)

    def start(self, count: int, seed: int, /) -> None:
        """Forget the past of all episodes and any plan."""
        width = self.layout.width
        self._history = np.full((count, self._past, width), _PADDING, np.int64)
        self._present = np.zeros((count, self.layout.observation), np.int64)
        self._plans = np.zeros((count, 0, width), np.int64)
        self.plan: Planned | None = None
        self._offset = 0
        self._generator = torch.Generator(self._device).manual_seed(seed % _SEEDS)

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Plan for the active rows where a new plan is due, and take its next action.

        Raises:
            ValueError: `start` was not called for this many rows.
        """
        self._check_rows("observations", observations)
        seen = self._encode(observations[active], self.layout.observation_slice)
        self._present[active] = seen
        if self._due(active):
            self._plan(active)
        chosen = self._plans[active, self._offset, self.layout.action_slice]
        actions = np.zeros((len(observations), self.layout.action), np.float32)
        actions[active] = self._decode(chosen)
        return actions

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Append the transition that just happened to the past.

        Raises:
            ValueError: actions or rewards are not of as many rows.
        """
        self._check_rows("actions", actions)
        self._check_rows("rewards", rewards)
        layout = self.layout
        happened = self._plans[active, self._offset]
        happened[:, layout.observation_slice] = self._present[active]
        happened[:, layout.action_slice] = self._encode(
            actions[active], layout.action_slice
        )
        happened[:, layout.reward_slice] = self._encode(
            rewards[active, None], layout.reward_slice
        )
        past = np.concatenate([self._history[active], happened[:, None]], axis=1)
        self._history[active] = past[:, 1:]
        self._offset += 1

    def memory(self) -> Memory:
        """Copy the past, the plan and the state of the random draws."""
        return {
            "history": self._history.copy(),
            "plans": self._plans.copy(),
            "offset": np.array(self._offset),
            "generator": self._generator.get_state().numpy(),
        }

    def remember(self, memory: Memory, /) -> None:
        """Go on from such a copy.

        Raises:
            ValueError: it is of other episodes, or of another agent.
        """
        most = self.bins.bins  # as a token, which ends an episode
        history = remembered(memory, "history", "i", 3, _PADDING, most)
        plans = remembered(memory, "plans", "i", 3, 0, most)
        offset = remembered(memory, "offset", "i", 0, 0, plans.shape[1])
        shapes = history.shape, plans.shape[::2]
        rows, _, width = self._history.shape
        if shapes != (self._history.shape, (rows, width)):
            raise ValueError(
                f"expected the memory of {rows} episodes with {width} tokens a "
                f"transition, got arrays {shapes}: remember what this agent knew"
            )
        set_generator(self._generator, memory, self._device)
        self._history, self._plans, self._offset = history, plans, int(offset)

    def _check_rows(self, name: str, array: FloatArray) -> None:
        count = len(self._present)
        if np.shape(array)[:1] != (count,):
            raise ValueError(
                f"expected {name} of {count} environments, got shape "
                f"{list(np.shape(array))}; call start with their number first"
            )

    def _due(self, active: BoolArray) -> bool:
        """Say whether no plan is left, or one of them has ended with a stop token."""
        length = self._plans.shape[1]
        if self._offset >= min(length, self._plan_every):
            return True
        start = self.layout.observation_slice.start
        ahead = self._plans[active, self._offset, start]
        return bool((ahead >= self.bins.bins).any())

    def _plan(self, active: BoolArray) -> None:
        past = self._history[active].reshape(int(active.sum()), -1)
        prefix = np.concatenate([past, self._present[active]], axis=1)
        given = torch.from_numpy(prefix).to(self._device)
        self.plan = self._ask(given, self._plans[active, self._offset :])
        tokens = self.plan.tokens.cpu().numpy()
        self._plans = np.zeros((len(active), *tokens.shape[1:]), np.int64)
        self._plans[active] = tokens
        self._offset = 0

    def _ask(self, prefix: torch.Tensor, left: npt.NDArray[np.int64]) -> Planned:
        """Ask for a plan, from what is left of the last one if the planner wants it."""
        if not isinstance(self._planner, ContinuingPlanner):
            return self._planner(prefix, self._generator)
        last = torch.from_numpy(left).to(self._device)
        return self._planner.go_on(prefix, self._generator, last)

    def _encode(self, data: FloatArray, part: slice) -> npt.NDArray[Any]:
        return self.bins.encode(data, columns=part).astype(np.int64)

    def _decode(self, tokens: npt.NDArray[Any]) -> FloatArray:
        actions = self.bins.decode(tokens, columns=self.layout.action_slice)
        return np.clip(actions, self._low, self._high)
