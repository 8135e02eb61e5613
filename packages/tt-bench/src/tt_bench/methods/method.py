"""What a method of the comparison is: a way from a dataset to an agent."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from tt_bench.agents import ChunkAgent
from tt_bench.data import Dataset, Episodes
from tt_bench.interface import Agent, Notify
from tt_bench.methods.pace import Pace
from tt_bench.methods.settings import Part, Recipe, part_name
from tt_bench.methods.task import Task, chunk_task
from tt_bench.results import Store


@attrs.frozen
class Watching:
    """How trainings are watched; it changes nothing that is trained.

    Attributes:
        to: loggers by name: "tensorboard", "wandb".
        every: steps from one score of what is trained to the next; None for none.
        episodes: of a score.
        max_steps: of an episode.
        method: that is scored.
    """

    to: tuple[str, ...] = ()
    every: int | None = None
    episodes: int = 1
    max_steps: int | None = None
    method: str = ""


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
        notify: is told the progress.
        task: bounds of the environment's actions and of an episode.
        watching: how trainings are watched.
    """

    dataset: Dataset
    episodes: Episodes
    identity: Mapping[str, Any]
    recipe: Recipe
    seed: int
    device: str
    store: Store
    notify: Notify
    task: Task
    watching: Watching = Watching()

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


class Network(NamedTuple):
    """What methods train and keep; several methods may share one.

    Attributes:
        name: what it is called, in folders and in messages.
        file: its file, which is there once training has ended.
        parts: of the recipe that its training depends on.
        steps: the one of them that says how many steps training takes.
        check: raises ValueError if it can't be trained.
        time_step: times a few steps of its training.
        seconds: guesses the seconds of its training at a matmul peak [1/s].
    """

    name: str
    file: str
    parts: tuple[Part, ...]
    steps: Part
    check: Callable[[Context], None]
    time_step: Callable[[Context], Pace]
    seconds: Callable[[Context, float], float]


class Method(NamedTuple):
    """One row of the table.

    Attributes:
        prepare: trains if need be and returns the agent.
        title: what it is, in a few words.
        networks: what it trains and keeps.
        parts: of the recipe that the outcome depends on besides theirs.
        trained: whether to run it once for each training seed, or only once.
        published_as: its name where scores are published, from the settings of a run.
        adapt: changes the recipe for this row.
        seconds: guesses the seconds of a run besides the training of its networks,
            from the number of episodes and a matmul peak [1/s].
    """

    prepare: Callable[[Context], Prepared]
    title: str
    networks: tuple[Network, ...] = ()
    parts: tuple[Part, ...] = ()
    trained: bool = True
    published_as: Callable[[Mapping[str, Any]], str] | None = None
    adapt: Callable[[Recipe], Recipe] = lambda recipe: recipe
    seconds: Callable[[Context, int, float], float] = lambda *_: 0.0

    @property
    def needs(self) -> tuple[Part, ...]:
        """Every part of the recipe that the outcome depends on."""
        every = (*(part for net in self.networks for part in net.parts), *self.parts)
        return tuple(dict.fromkeys(every))


def run_settings(context: Context, parts: tuple[Part, ...]) -> dict[str, Any]:
    """Collect the settings that what a method makes depends on."""
    chosen = {part_name(part): _plain(context.recipe.part(part)) for part in parts}
    return {"data": dict(context.identity), "seed": context.seed, **chosen}


def _plain(value: Any) -> Any:
    return attrs.asdict(value) if attrs.has(type(value)) else value


def model_folder(context: Context, network: Network) -> Path:
    """Name the folder of a network of a context, and make it."""
    settings = run_settings(context, network.parts)
    return context.store.model_folder(network.name, settings)


def is_trained(context: Context, network: Network) -> bool:
    """Say whether a network of a context is trained to its end."""
    return model_file(context, network).exists()


def model_file(context: Context, network: Network) -> Path:
    """Name the file of a network of a context, which need not be there."""
    settings = run_settings(context, network.parts)
    return context.store.model_path(network.name, settings, network.file)


def untrained(context: Context, method: Method) -> list[Network]:
    """List the networks of a method that are not trained to the end."""
    return [net for net in method.networks if not is_trained(context, net)]


def stepwise(context: Context, agent: Agent) -> Agent:
    """Execute the actions of an agent that acts in chunks step by step."""
    recipe = context.recipe
    if recipe.chunk == 1:
        return agent
    return ChunkAgent(agent, recipe.chunk, recipe.executed)
