"""Let learners see several steps of an environment as one, with one joined action.

A step of a fast environment changes so little that what an action is worth drowns in
the critic's error. Over a chunk of steps it does not (action chunking for Q-learning:
Li, Zhou and Levine, arXiv 2507.07969). Everything that is learned then counts in
chunks: transitions, the discount, a planner's context and horizon.

Axes: E environments, N transitions, K steps of a chunk, Da action numbers of a step.
"""

import numpy as np

from tt_bench.data.episodes import Episodes
from tt_bench.interface import (
    Agent,
    BoolArray,
    FloatArray,
    Memory,
    RememberingAgent,
)
from tt_bench.methods.task import Task

_INNER = "inner."


def chunk_episodes(episodes: Episodes, length: int) -> Episodes:
    """Join every `length` steps in a row into one transition.

    Each episode becomes `length` of them, one after the other, which begin at its
    first `length` steps, so that nearly every step begins a transition. Actions are
    joined in order [N, K * Da], rewards added up. The chunk in which an episode
    terminates may be shorter: the actions that it lacks are zeros. One that the end of
    a truncated episode cuts is left out, and so are episodes too short for `length`
    beginnings.

    Raises:
        ValueError: if all episodes are too short.
    """
    if length == 1:
        return episodes
    needed = np.where(episodes.terminated, length, 2 * length - 1)
    kept = np.flatnonzero(episodes.lengths >= needed)
    if not len(kept):
        raise ValueError(
            f"expected an episode long enough for chunks of {length} steps, the "
            f"longest has {episodes.lengths.max()}: give a smaller --chunk"
        )
    parts = [
        _from(episodes, int(episode), first, length)
        for episode in kept
        for first in range(length)
    ]
    return Episodes(
        observations=np.concatenate([part.observations for part in parts]),
        actions=np.concatenate([part.actions for part in parts]),
        rewards=np.concatenate([part.rewards for part in parts]),
        ends=np.cumsum([len(part) for part in parts]),
        terminated=np.concatenate([part.terminated for part in parts]),
        final_observations=np.concatenate([part.final_observations for part in parts]),
    )


def _from(episodes: Episodes, episode: int, first: int, length: int) -> Episodes:
    """Return the chunks of one episode that begin at its step `first`."""
    end = int(episodes.ends[episode])
    begin = end - int(episodes.lengths[episode]) + first
    ended = bool(episodes.terminated[episode])
    count = -(-(end - begin) // length) if ended else (end - begin) // length
    stop = min(end, begin + count * length)
    missing = begin + count * length - stop
    actions = np.pad(episodes.actions[begin:stop], ((0, missing), (0, 0)))
    rewards = np.pad(episodes.rewards[begin:stop], (0, missing))
    final = (
        episodes.final_observations[episode]
        if stop == end
        else episodes.observations[stop]
    )
    return Episodes(
        observations=episodes.observations[begin:stop:length],
        actions=actions.reshape(count, -1),
        rewards=rewards.reshape(count, length).sum(1),
        ends=[count],
        terminated=[ended],
        final_observations=final[None],
    )


def chunk_task(task: Task, length: int) -> Task:
    """Return what a task asks of joined actions: bounds [K * Da], steps in chunks."""
    return Task(
        np.tile(task.low, length), np.tile(task.high, length), -(-task.steps // length)
    )


class ChunkAgent:
    """Ask an agent for joined actions and execute the first steps of each.

    Args:
        agent: its actions [E, K * Da] are for `length` steps; it observes them after
            `executed`, as if all had been taken, with the sum of the rewards.
        length: K, steps of a chunk.
        executed: steps to execute before the agent is asked again.

    Attributes:
        agent: as given.
        length: as given.
    """

    def __init__(self, agent: Agent, length: int, executed: int) -> None:
        """Compose the parts."""
        if not 1 <= executed <= length:
            raise ValueError(
                f"expected to execute 1 to {length} steps of a chunk, got {executed}"
            )
        self.agent = agent
        self.length = length
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
        steps = self._chunk.reshape(len(self._chunk), self.length, -1)
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
        """Go on from such a copy."""
        self._chunk = memory["chunk"].copy()
        self._earned = memory["earned"].copy()
        self._offset = int(memory["offset"])
        if isinstance(self.agent, RememberingAgent):
            self.agent.remember(
                {
                    name.removeprefix(_INNER): part
                    for name, part in memory.items()
                    if name.startswith(_INNER)
                }
            )
