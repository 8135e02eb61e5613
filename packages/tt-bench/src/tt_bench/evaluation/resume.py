"""Play on where an evaluation was stopped.

Environments can't be saved, so they are reset with the same seeds and given the same
actions again, which takes seconds where planning took hours. What the agent remembers
is saved with the actions.
"""

import time
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from tt_bench.files import read_arrays, written_whole
from tt_bench.interface import BoolArray, FloatArray, Memory, RememberingAgent

_SAVE_EVERY = 60.0  # seconds
_MEMORY = "memory."


class OtherEpisodesError(Exception):
    """The same actions earned other rewards than when they were played first."""


@attrs.define
class Recording:
    """What was played so far: actions [E, Da], rewards [E] and act seconds a step.

    `memory` is the number of steps after which the agent's was taken, and what was in
    it then; `seconds` are those of the parts played before.
    """

    actions: list[FloatArray] = attrs.field(factory=list)
    rewards: list[FloatArray] = attrs.field(factory=list)
    act_seconds: list[float] = attrs.field(factory=list)
    memory: tuple[int, Memory] = attrs.field(factory=lambda: (0, {}))
    seconds: float = 0.0


class ResumingAgent:
    """Act as another agent does, after repeating what it played before.

    Args:
        agent: acts where nothing was played yet.
        path: where what is played is saved once a minute, and read from at the start.

    Attributes:
        recording: what was played so far.
    """

    def __init__(self, agent: RememberingAgent, path: Path) -> None:
        """Compose the parts."""
        self.recording = Recording()
        self._agent = agent
        self._path = path
        self._begin()

    def start(self, count: int, seed: int, /) -> None:
        """Read what was played of these episodes.

        Raises:
            ValueError: the file is damaged or something else.
        """
        self._agent.start(count, seed)
        self.recording = _load(self._path, count)
        self._begin()

    def _begin(self) -> None:
        self._repeats = len(self.recording.actions)
        self._step = 0
        self._acted = 0.0
        self._began = self._saved = time.perf_counter()

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        """Repeat the action of this step, or let the agent act."""
        if self._step < self._repeats:
            return self.recording.actions[self._step]
        if self._step == self._repeats > 0:
            self._remember()
        began = time.perf_counter()
        actions = self._agent.act(observations, active)
        self._acted = time.perf_counter() - began
        return actions

    def _remember(self) -> None:
        try:
            self._agent.remember(self.recording.memory[1])
        except Exception as error:  # what another agent remembered fits in no way
            raise _damaged(self._path) from error

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        """Let the agent learn what is new, and note it; save it once a minute.

        Raises:
            OtherEpisodesError: what was repeated has earned something else.
        """
        self._step += 1
        if self._step <= self._repeats:
            before = self.recording.rewards[self._step - 1]
            if not np.array_equal(rewards[active], before[active]):
                raise OtherEpisodesError
            return
        self._agent.observe(actions, rewards, active)
        self.recording.actions.append(actions.copy())
        self.recording.rewards.append(rewards.copy())
        self.recording.act_seconds.append(self._acted)
        self.recording.memory = (self._step, self._agent.memory())
        if time.perf_counter() - self._saved > _SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the whole steps that were played, if any, whole or not at all."""
        steps, memory = self.recording.memory
        if steps == 0:
            return
        parts: dict[str, Any] = {
            "actions": np.array(self.recording.actions[:steps]),
            "rewards": np.array(self.recording.rewards[:steps]),
            "act_seconds": np.array(self.recording.act_seconds[:steps]),
            "seconds": np.array(self.seconds()),
        }
        parts |= {_MEMORY + name: part for name, part in memory.items()}
        with written_whole(self._path) as partial:
            np.savez(partial, **parts)
        self._saved = time.perf_counter()

    def seconds(self) -> float:
        """Count the seconds of all parts, the present one included."""
        return self.recording.seconds + time.perf_counter() - self._began


def _load(path: Path, count: int) -> Recording:
    """Read what was played of `count` episodes."""
    if not path.exists():
        return Recording()
    try:
        return _parse(read_arrays(path.read_bytes()), count)
    except Exception as error:  # a damaged archive makes its readers raise anything
        raise _damaged(path) from error


def _parse(parts: dict[str, Any], count: int) -> Recording:
    memory = {
        name.removeprefix(_MEMORY): part
        for name, part in parts.items()
        if name.startswith(_MEMORY)
    }
    actions, rewards, seconds = played = (
        parts["actions"],
        parts["rewards"],
        parts["act_seconds"],
    )
    steps = len(actions)
    shapes = actions.shape[1:2], rewards.shape, seconds.shape
    numbers = all(part.dtype.kind == "f" for part in played)
    if actions.ndim != 3 or shapes != ((count,), (steps, count), (steps,)):
        raise ValueError(f"{count} episodes can't have {shapes}")
    if not numbers or not all(np.isfinite(part).all() for part in played):
        raise ValueError("actions, rewards and seconds must be finite numbers")
    return Recording(
        actions=list(actions),
        rewards=list(rewards),
        act_seconds=seconds.tolist(),
        memory=(steps, memory),
        seconds=float(parts["seconds"]),
    )


def _damaged(path: Path) -> ValueError:
    return ValueError(
        f"{path}: cut short or not what was played of an evaluation; delete it and "
        "give the same command to play from the start"
    )
