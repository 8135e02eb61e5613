"""Train what a method needs in its folder, and act with it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from tt_bench.interface import Agent, working
from tt_bench.methods.method import Context, Network, Prepared, model_folder
from tt_bench.methods.resumable import Training, train_in
from tt_bench.methods.watch import watched

MakeAgent: TypeAlias = Callable[[Context, Mapping[str, Any]], Agent]
"""Acts with modules, by name."""


def train_network(
    context: Context,
    network: Network,
    training: Training,
    label: str,
    make_agent: MakeAgent | None = None,
) -> None:
    """Train for the steps that the recipe asks for, or load what was trained before.

    Args:
        context: whose network it is.
        network: names the folder and the file, and what says the steps.
        training: as begun; it is changed to what it is at the end.
        label: in front of the seed, where progress is shown.
        make_agent: acts with what is trained, if that is to be scored on the way.

    Raises:
        ValueError: a file is damaged or of another training, or this one diverges.
    """
    steps: int = context.recipe.part(network.steps).steps
    folder, name = model_folder(context, network), f"{label} seed {context.seed}"
    acting = None if make_agent is None else partial(make_agent, context)
    with working(context.notify, f"{name}, training", steps) as advance:
        watch = watched(context, acting)
        train_in(folder, network.file, training, steps, advance, watch)


def prepare_trained(
    context: Context,
    network: Network,
    training: Training,
    label: str,
    make_agent: MakeAgent,
) -> Prepared:
    """Train as `train_network` does, and act with the modules."""
    train_network(context, network, training, label, make_agent)
    agent = make_agent(context, training.modules)
    return Prepared(agent, training.steps, training.seconds)
