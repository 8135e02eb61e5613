"""Let learners see several steps of an environment as one, with one joined action.

A step of a fast environment changes so little that what an action is worth drowns in
the critic's error. Over a chunk of steps it does not (action chunking for Q-learning:
Li, Zhou and Levine, arXiv 2507.07969). Everything that is learned then counts in
chunks: transitions, the discount, a planner's context and horizon.

Axes: E environments, N transitions, K steps of a chunk, Da action numbers of a step.
"""

import numpy as np

from tt_bench.agents.remembered import remembered
from tt_bench.interface import (
    Agent,
    BoolArray,
    FloatArray,
    Memory,
    Planned,
    PlanningAgent,
    RememberingAgent,
    Tokenizer,
)
from tt_tokenize import Layout

_INNER = "inner."


class ChunkAgent:
    """Ask an agent for joined actions and execute the first steps of each.

    Args:
        agent: its actions [E, K * Da] are for `length` steps; it observes them after
            `executed`, as if all had been taken, with the sum of the rewards.
        length: K, steps of a chunk.
        executed: steps to execute before the agent is asked again.

    Where the agent plans, its plans can be read here as well.

    Attributes:
        agent: as given.
        stride: as given: steps of the environment that are one planned transition.
    """

    def __init__(self, agent: Agent, length: int, executed: int) -> None:
        """Compose the parts."""
        if not 1 <= executed <= length:
            raise ValueError(
                f"expected to execute 1 to {length} steps of a chunk, got {executed}"
            )
        self.agent = agent
        self.stride = length
        self._executed = executed
        self._chunk = np.zeros((0, length), np.float32)
        self._earned = np.zeros(0, np.float32)
        self._offset = 0

    def start(self, count: int, seed: int, /) -> None:
        """Begin `count` episodes."""
        self.agent.start(count, seed)
        self._earned = np.zeros(count, np.float32)
        self._offset = 0

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Return the actions [E, Da] of this step, asking for a chunk if one is due."""
        if self._offset == 0:
            self._chunk = self.agent.act(observations, active)
        steps = self._chunk.reshape(len(self._chunk), self.stride, -1)
        return steps[:, self._offset]

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Add up rewards; tell the agent once the steps of a chunk are executed."""
        del actions  # a part of the chunk
        self._earned = self._earned + np.where(active, rewards, np.float32(0))
        self._offset += 1
        if self._offset == self._executed:
            self.agent.observe(self._chunk, self._earned, active)
            self._earned = np.zeros_like(self._earned)
            self._offset = 0

    @property
    def bins(self) -> Tokenizer:
        """Say how the agent's plans are decoded."""
        return self._planning().bins

    @property
    def layout(self) -> Layout:
        """Say where the parts of a planned transition stand."""
        return self._planning().layout

    @property
    def plan(self) -> Planned | None:
        """Return the plan that the agent made last."""
        return self._planning().plan

    def _planning(self) -> PlanningAgent:
        if not isinstance(self.agent, PlanningAgent):
            raise ValueError(f"expected an agent that plans, got {self.agent}")
        return self.agent

    def memory(self) -> Memory:
        """Copy the chunk that is being executed, and what the agent remembers."""
        own: Memory = {
            "chunk": self._chunk.copy(),
            "earned": self._earned.copy(),
            "offset": np.array(self._offset),
        }
        if isinstance(self.agent, RememberingAgent):
            own |= {_INNER + name: part for name, part in self.agent.memory().items()}
        return own

    def remember(self, memory: Memory, /) -> None:
        """Go on from such a copy.

        Raises:
            ValueError: it is of other episodes.
        """
        chunk = remembered(memory, "chunk", "f", 2)
        earned = remembered(memory, "earned", "f", 1)
        offset = int(remembered(memory, "offset", "i", 0, 0, self._executed - 1))
        rows = len(self._earned)
        whole = chunk.size and chunk.shape[1] % self.stride == 0
        fits = (len(chunk) == rows and whole) or (offset == 0 and not chunk.size)
        if earned.shape != (rows,) or not fits:
            raise ValueError(
                f"expected the memory of {rows} episodes and chunks of {self.stride} "
                f"steps, got that of {earned.shape} and {chunk.shape}: remember what "
                "this agent knew"
            )
        self._chunk, self._earned, self._offset = chunk, earned, offset
        if isinstance(self.agent, RememberingAgent):
            self.agent.remember(
                {
                    name.removeprefix(_INNER): part
                    for name, part in memory.items()
                    if name.startswith(_INNER)
                }
            )
