"""What learning is held against: random actions, and what made the data."""

from tt_bench.agents import RandomAgent
from tt_bench.methods.method import Context, Method, Prepared


def _random(context: Context) -> Prepared:
    return Prepared(RandomAgent(context.task.low, context.task.high))


def _behaviour(context: Context) -> Prepared:
    behaviour = context.dataset.behaviour
    return Prepared(None if behaviour is None else behaviour())


RANDOM = Method(_random, "uniform random actions", trained=False)
BEHAVIOUR = Method(_behaviour, "what made the data", trained=False)
