"""Plan actions as numbers at every step, each plan from what is left of the last."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor

from tt_bench.agents.bounds import action_numbers
from tt_bench.agents.device import check_device
from tt_bench.agents.remembered import remembered, set_generator
from tt_bench.interface import BoolArray, FloatArray, Memory

_SEEDS = 2**64  # that torch has


class Sequence(Protocol):
    """A plan: what `tt_plan.cem` and its relatives return."""

    @property
    def actions(self) -> Tensor:
        """The actions of every environment [E, H, Da]."""
        ...

    def later(self, steps: int = 1) -> Tensor:
        """Return what is left of them after some steps, as long as before."""
        ...


Search: TypeAlias = Callable[[Tensor, Tensor | None, torch.Generator], Sequence]
"""Plans from observations [E, Do], and actions [E, H, Da] to start from."""


class ContinuingAgent:
    """Execute the first action of a plan, and start the next plan from the rest.

    Args:
        search: plans; it holds the model and the settings.
        horizon: H, transitions of a plan.
        low: lowest actions [Da].
        high: highest actions [Da].
        device: where the search wants its observations and generator.
    """

    def __init__(
        self,
        search: Search,
        horizon: int,
        low: FloatArray,
        high: FloatArray,
        device: str = "cpu",
    ) -> None:
        """Take the parts.

        Raises:
            ValueError: the bounds are not those of an action, or there is no such
                device.
        """
        check_device(device)
        self._search, self._device = search, device
        self._low, self._high = low, high
        self._shape = horizon, action_numbers(low, high)
        self.start(0, 0)

    def start(self, count: int, seed: int, /) -> None:
        """Forget all plans."""
        self._left = np.zeros((count, *self._shape), np.float32)
        self._planned = False
        self._generator = torch.Generator(self._device).manual_seed(seed % _SEEDS)

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Plan for the active rows; others get zeros."""
        given = torch.from_numpy(observations[active]).to(self._device)
        start = torch.from_numpy(self._left[active]).to(self._device)
        plan = self._search(given, start if self._planned else None, self._generator)
        self._planned = True
        self._left[active] = plan.later().cpu().numpy()
        actions = np.zeros((len(observations), len(self._low)), np.float32)
        first = plan.actions[:, 0].cpu().numpy()
        actions[active] = np.clip(first, self._low, self._high)
        return actions

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Learn nothing."""

    def memory(self) -> Memory:
        """Copy what is left of the plans and the state of the random draws."""
        return {
            "left": self._left.copy(),
            "planned": np.array(int(self._planned)),
            "generator": self._generator.get_state().numpy(),
        }

    def remember(self, memory: Memory, /) -> None:
        """Go on from such a copy.

        Raises:
            ValueError: it is of other episodes, or of another agent.
        """
        left = remembered(memory, "left", "f", 3)
        planned = remembered(memory, "planned", "i", 0, 0, 1)
        if left.shape != self._left.shape:
            raise ValueError(
                f"expected the memory of plans {list(self._left.shape)}, got "
                f"{list(left.shape)}: remember what this agent knew"
            )
        set_generator(self._generator, memory, self._device)
        self._left, self._planned = left.astype(np.float32), bool(planned)
