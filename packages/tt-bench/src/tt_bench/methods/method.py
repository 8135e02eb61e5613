"""What a method of the comparison is: a way from a dataset to an agent."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import attrs

from tt_bench.data.dataset import Dataset
from tt_bench.data.episodes import Episodes
from tt_bench.interface import Agent, Track
from tt_bench.methods.settings import Recipe
from tt_bench.methods.task import Task, chunk_task
from tt_bench.results.store import Store


@attrs.frozen(eq=False)
class Context:
    """What a method has to work with.

    Attributes:
        dataset: the data as it is, and its environment.
        episodes: what to learn from: those of the dataset, in the recipe's chunks.
        identity: what tells the data from other data: part of every hash.
        recipe: the settings.
        seed: of the training and of the agent's randomness.
        device: where to compute.
        store: where trained models are kept.
        track: follows the progress.
        task: bounds of the environment's actions and of an episode.
    """

    dataset: Dataset
    episodes: Episodes
    identity: Mapping[str, Any]
    recipe: Recipe
    seed: int
    device: str
    store: Store
    track: Track
    task: Task

    @property
    def joined(self) -> Task:
        """Bounds of joined actions, and steps of an episode in chunks."""
        return chunk_task(self.task, self.recipe.chunk)


class Prepared(NamedTuple):
    """An agent ready to be evaluated, and what training it took.

    Without an agent the episodes of the data themselves are the method's.
    """

    agent: Agent | None
    steps: int = 0
    seconds: float = 0.0


class Method(NamedTuple):
    """One row of the table.

    Attributes:
        prepare: trains if need be and returns the agent.
        parts: fields of the recipe that the outcome depends on.
        trained: whether to run it once for each training seed, or only once.
        title: what it is, in a few words.
        adapt: changes the recipe for this row.
    """

    prepare: Callable[[Context], Prepared]
    parts: tuple[str, ...]
    trained: bool
    title: str
    adapt: Callable[[Recipe], Recipe] = lambda recipe: recipe
