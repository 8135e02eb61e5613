"""Count what a plan costs at least, and what it costs without a cache.

The counts follow the search: the context is read once, every token is given to the
model once, at beam width or at candidate width, and nothing is stepped after the last
cut.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tt_bench.methods.settings import ModelSettings, Recipe
from tt_model import TransformerConfig

_EMBEDDED = 8  # features that inputs of transitions embed a token in


class PlanShape(NamedTuple):
    """One planning problem.

    Attributes:
        observation: Observation tokens of a transition.
        action: Action tokens of a transition; a reward and a value token follow.
        horizon: Transitions to plan.
        beam: Sequences kept.
        context: Transitions known, the present one included.
        environments: Problems planned together.
        candidates: Continuations of each kept sequence.
    """

    observation: int = 11
    action: int = 3
    horizon: int = 15
    beam: int = 128
    context: int = 5
    environments: int = 1
    candidates: int = 2

    @property
    def transition(self) -> int:
        """Tokens of a transition."""
        return self.observation + self.action + 2

    @property
    def prefix(self) -> int:
        """Tokens known before the plan, for each environment."""
        return (self.context - 1) * self.transition + self.observation


class Step(NamedTuple):
    """One call of the model for one environment: `rows` tokens at index `position`."""

    rows: int
    groups: int  # rows that share no history: the beams
    position: int


class Work(NamedTuple):
    """What some steps cost."""

    tokens: int
    operations: float
    traffic: float


def steps(shape: PlanShape) -> Iterator[Step]:
    """List the model calls of a plan after its prefix, in order."""
    wide, width = shape.beam * shape.candidates, shape.transition
    for t in range(shape.horizon):
        begin = shape.prefix + t * width
        if t:
            own = range(begin - shape.observation - 1, begin)
            yield from (Step(shape.beam, shape.beam, index) for index in own)
        drawn = range(begin, begin + shape.action + 1)
        yield from (Step(wide, shape.beam, index) for index in drawn)


def cached_work(shape: PlanShape, config: TransformerConfig) -> Work:
    """Count a plan that reads every token once and keeps what beams share once.

    Operations: the matmuls of each token's layers, head and attention. Traffic: the
    keys and values of each beam, read once a step, and the weights.
    """
    count = _token_weights(config, config.vocabulary)
    dense, weights = 2.0 * count, 4.0 * count
    tokens, operations, traffic = shape.prefix, 0.0, 0.0
    operations += shape.prefix * (dense + _attention(config, shape.prefix // 2))
    for step in steps(shape):
        seen = min(step.position, config.window * config.transition)
        own = min(seen, step.position - shape.prefix)
        tokens += step.rows
        operations += step.rows * (dense + _attention(config, seen))
        traffic += weights / shape.environments
        traffic += step.groups * own * 8.0 * config.width * config.attending_layers
    if config.positions == "learned":
        again = _read_again(shape, config)
        tokens += again
        operations += again * (dense + _attention(config, _cropped(config) // 2))
    problems = shape.environments
    return Work(tokens * problems, operations * problems, traffic * problems)


def _cropped(config: TransformerConfig) -> int:
    """Tokens that learned positions keep after dropping a transition."""
    return (config.window - 1) * config.transition


def _read_again(shape: PlanShape, config: TransformerConfig) -> int:
    """Count the tokens read again as transitions are dropped: shared ones once."""
    total, kept = 0, _cropped(config)
    for t in range(1, shape.horizon):
        length = (shape.context - 1 + t) * shape.transition
        if length >= config.window * shape.transition:
            own = min(kept, t * shape.transition)
            total += own * shape.beam + (kept - own) - shape.beam
    return total


def naive_tokens(shape: PlanShape, config: TransformerConfig) -> list[tuple[int, int]]:
    """Return (rows, tokens read) of every call of a search without a cache."""
    lengths = [(shape.beam, shape.prefix)]
    for step in steps(shape):
        length = step.position + 1
        if config.positions == "learned":
            while length >= config.window * config.transition:
                length -= config.transition
        lengths.append((step.rows, length))
    return [(rows * shape.environments, length) for rows, length in lengths]


def _attention(config: TransformerConfig, keys: int) -> float:
    return 4.0 * config.attending_layers * config.width * keys


def _token_weights(shape: ModelSettings | TransformerConfig, bins: int) -> int:
    """Count the weights that one token is multiplied with."""
    attending = shape.layers if shape.attending is None else shape.attending
    count = (8 * shape.layers + 4 * attending) * shape.width**2
    count += (bins + 1) * shape.width
    if shape.outputs == "relative":
        count += (2 * bins - 1) * shape.width
    if shape.inputs == "transition":
        count += 4 * shape.width * (shape.width + _EMBEDDED)
    return count


def token_operations(recipe: Recipe) -> float:
    """Count the operations of one token's forward pass."""
    return 2.0 * _token_weights(recipe.model, recipe.tokenizer.bins)


def training_operations(recipe: Recipe, width: int) -> float:
    """Count the operations of training on transitions of `width` tokens."""
    settings = recipe.training
    tokens = settings.steps * settings.batch * settings.transitions * width
    return 3.0 * tokens * token_operations(recipe)


def planning_operations(recipe: Recipe, observation: int, width: int) -> float:
    """Count the operations of one plan for one environment."""
    settings = recipe.planner
    narrow = settings.beam * (observation + 1)
    wide = settings.beam * settings.candidates * (width - observation - 1)
    if settings.search in ("cem", "mppi"):
        narrow, wide = 0, settings.samples * settings.iterations * width
    tokens = settings.context * width + settings.horizon * (narrow + wide)
    return tokens * token_operations(recipe)


def critic_operations(observation: int, action: int, width: int, batch: int) -> float:
    """Count the operations of one update of a critic with two hidden layers of `width`.

    Both Q, V and the policy learn, which is three passes of a batch; both target Q and
    V of the next observation are only evaluated.
    """
    inner = width**2
    q = (observation + action) * width + inner + width
    v = observation * width + inner + width
    policy = observation * width + inner + width * action
    learnt, evaluated = 2 * q + v + policy, 2 * q + v
    return 2.0 * batch * (3 * learnt + evaluated)
