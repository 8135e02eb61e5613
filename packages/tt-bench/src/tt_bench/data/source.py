"""How a dataset that is made here is made, and in which environment."""

import copy
from collections.abc import Callable

import attrs
import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from tt_bench.evaluation import Environment
from tt_bench.interface import Agent


@attrs.frozen(eq=False)
class Source:
    """Say how a dataset is made.

    Attributes:
        dataset_id: Minari id that it is kept under.
        env_id: Gymnasium id of the task.
        behaviour: makes the agent that the data is collected with.
        expert: makes the agent whose mean return is scored 100.
        description: what the data is.
        transitions: how many to collect at least.
        pace: transitions a second that one core collects, roughly.
        episode_steps: time limit of an episode while collecting.
        wrap: changes the environment for collecting.
        reference: returns that are scored 0 and 100; None to measure those of
            uniformly random actions and of the expert.
        reference_episodes: number of episodes to measure each with.
        seed: of the collection.
    """

    dataset_id: str
    env_id: str
    behaviour: Callable[[], Agent]
    expert: Callable[[], Agent]
    description: str
    transitions: int = 100_000
    pace: float = 5_000.0
    episode_steps: int = 1000
    wrap: Callable[[Environment], Environment] | None = None
    reference: tuple[float, float] | None = None
    reference_episodes: int = 50
    seed: int = 0


def make_collector(source: Source) -> Environment:
    """Make the environment that a dataset is collected in."""
    env: Environment = gym.make(collection_spec(source))
    return source.wrap(env) if source.wrap else env


def collection_spec(source: Source) -> EnvSpec:
    """Return the specification of the environment for collecting, unwrapped."""
    spec = copy.deepcopy(gym.spec(source.env_id))
    spec.max_episode_steps = source.episode_steps
    return spec
