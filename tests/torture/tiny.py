"""The smallest of everything: bins, networks, episodes, an environment.

Observations have 2 numbers, actions 1, so that a transition has 5; 8 bins.
"""

from functools import cache, partial
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch

import tt_critic
from tt_bench import CloningConfig, Dataset, Episodes, Recipe
from tt_critic import Critic, IQLConfig, Networks, Transitions, as_critic
from tt_model import Decoder, Sequences, TrajectoryTransformer, TransformerConfig
from tt_tokenize import Layout, QuantileBins

OBSERVATION, ACTION, WIDTH, BINS = 2, 1, 5, 8
ROWS, ENDS = 12, (3, 7, 12)
LAYOUT = Layout(OBSERVATION, ACTION)
RECIPE = Recipe(cloning=CloningConfig(steps=2, batch=3, width=3))
IQL = IQLConfig(hidden=(4,), batch=4, steps=2)


@cache
def table() -> Any:
    """Draw the numbers of all transitions [12, 5]."""
    draws = np.random.default_rng(0)
    numbers = draws.normal(size=(ROWS, WIDTH)).astype(np.float32)
    numbers[:, OBSERVATION] = draws.uniform(-1, 1, ROWS)
    return numbers


@cache
def bins() -> QuantileBins:
    """Fit bins to the table."""
    return QuantileBins.fit(table(), BINS)


@cache
def model(positions: Any = "rotary") -> TrajectoryTransformer:
    """Initialise a transformer, in evaluation mode."""
    torch.manual_seed(0)
    config = TransformerConfig(
        BINS, WIDTH, layers=1, heads=1, width=8, window=3, span=4, positions=positions
    )
    return TrajectoryTransformer(config).eval()


def decoder() -> Decoder:
    """Make a decoder of the transformer."""
    return Decoder(model())


def sequences() -> Sequences:
    """Encode the table."""
    tokens, ends = bins().encode(table()), np.array(ENDS)
    return Sequences(tokens, ends, np.array([True, False, False]))


def transitions() -> Transitions:
    """Take the table as transitions of a critic."""
    seen = table()[:, :OBSERVATION]
    action = table()[:, OBSERVATION : OBSERVATION + ACTION]
    over = np.isin(np.arange(ROWS) + 1, ENDS[:1])
    return Transitions(seen, action, table()[:, -2], np.roll(seen, -1, 0), over)


def networks() -> Networks:
    """Initialise the networks of a critic."""
    return Networks(OBSERVATION, ACTION, (4,))


@cache
def critic() -> Critic:
    """Make an untrained critic."""
    return as_critic(networks())


def batch() -> tt_critic.Batch:
    """Take the transitions as tensors."""
    return tt_critic.as_batch(transitions())


class Slide(gymnasium.Env[Any, Any]):
    """Push a point to and fro; an episode is 4 steps, or ends beyond 1."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBSERVATION,))
    action_space = gymnasium.spaces.Box(-1, 1, (ACTION,))

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        """Begin at a random place."""
        super().reset(seed=seed)
        self._x, self._steps = float(self.np_random.uniform(-1, 1)), 0
        return self._see(), {}

    def step(self, action: Any) -> Any:
        """Move; the reward is the place."""
        self._x += float(action[0]) / 4
        self._steps += 1
        return self._see(), self._x, self._x > 1, self._steps == 4, {}

    def _see(self) -> Any:
        return np.array([self._x, self._steps], np.float32)


class Planned(NamedTuple):
    """A plan [E, 2, 5] of any tokens."""

    tokens: torch.Tensor


def plan(prefix: torch.Tensor, generator: torch.Generator) -> Planned:
    """Plan at random."""
    return Planned(torch.randint(BINS, (len(prefix), 2, WIDTH), generator=generator))


def episodes() -> Episodes:
    """Take the table as episodes."""
    seen = table()[:, :OBSERVATION]
    action = table()[:, OBSERVATION : OBSERVATION + ACTION]
    final = seen[: len(ENDS)]
    over = [True, False, False]
    return Episodes(seen, action, table()[:, -2], np.array(ENDS), over, final)


def dataset() -> Dataset:
    """Join the episodes and the environment."""
    return Dataset("slide", episodes(), "Slide-v0", partial(Slide), None, "nowhere")
