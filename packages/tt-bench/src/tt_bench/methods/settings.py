"""Settings of every stage."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs
from attrs.validators import ge, gt, in_, le, lt, optional

from tt_bench.methods.counts import whole

_SHARE: Any = optional([ge(0.0), lt(1.0)])


Part: TypeAlias = str | type[Any]
"""A field of a recipe by its name, or the class of the settings of one method.

Such a class is frozen, has a default for everything, and says in `option` under which
name its settings stand on the command line and in results.
"""

VERSIONS: Mapping[str, int] = MappingProxyType({})
"""Versions of parts of a recipe that are not 1.

Raise one where the same settings come to mean something else, or a default changes:
what was made before is then not found again.
"""


def part_name(part: Part) -> str:
    """Name a part as on the command line and in results."""
    return part if isinstance(part, str) else str(part.option)


@attrs.frozen
class TokenizerSettings:
    """How numbers become tokens.

    Attributes:
        kind: Bins of equal counts ("quantile") or of equal widths ("uniform").
        bins: Bins of each column.
    """

    kind: Literal["quantile", "uniform"] = attrs.field(
        default="quantile", validator=in_(("quantile", "uniform"))
    )
    bins: int = attrs.field(default=100, validator=whole(2))


@attrs.frozen
class ModelSettings:
    """The shape of the transformer.

    Attributes:
        layers: Blocks.
        heads: Attention heads of a block.
        width: Features of a token.
        positions: Rotary positions with a sliding window, or learned absolute ones.
        dropout: Rate of dropout in training.
        inputs: What a position reads: its token, as in the paper, or the sum of its
            transition so far and of the previous one ("transition").
        outputs: Logits of every bin for itself, as in the paper, or also smooth in the
            bin's rank and by distance from the column's last token ("relative").
        per_position: Matrices of the blocks for each position of a transition.
        attending: How many of the blocks, the last ones, attend; None for all.
    """

    layers: int = attrs.field(default=4, validator=whole(1))
    heads: int = attrs.field(default=4, validator=whole(1))
    width: int = attrs.field(default=128, validator=whole(1))
    positions: Literal["rotary", "learned"] = "rotary"
    dropout: float = attrs.field(default=0.1, validator=[ge(0.0), lt(1.0)])
    inputs: Literal["token", "transition"] = "token"
    outputs: Literal["table", "relative"] = "table"
    per_position: bool = False
    attending: int | None = attrs.field(default=None, validator=optional(whole(1)))


@attrs.frozen
class TrainingSettings:
    """How the transformer is trained.

    Attributes:
        steps: Gradient steps.
        batch: Sequences of a step.
        transitions: Transitions of a sequence, which are also those a token sees.
        learning_rate: Peak of the schedule: linear rise, then cosine to its end.
        final_fraction: That end, as a fraction of the peak.
        decay: Passes over the transitions trained on until the cosine has ended; where
            training is shorter, and by default, it ends with the training.
        action_weight: Weight of action tokens in the loss; others have 1.
        precision: Numbers to compute with; "auto" takes bfloat16 where some steps of
            each tell that it is faster here.
        compile: Compile the network first; worth it for long training.
    """

    steps: int = attrs.field(default=20_000, validator=whole(1))
    batch: int = attrs.field(default=256, validator=whole(1))
    transitions: int = attrs.field(default=10, validator=whole(1))
    learning_rate: float = attrs.field(default=6e-4, validator=gt(0.0))
    final_fraction: float = attrs.field(default=0.1, validator=[ge(0.0), le(1.0)])
    decay: float | None = attrs.field(default=None, validator=optional(gt(0.0)))
    action_weight: float = attrs.field(default=5.0, validator=ge(0.0))
    precision: Literal["32-true", "tf32", "bf16-mixed", "auto"] = "32-true"
    compile: bool = False


@attrs.frozen
class PlannerSettings:
    """How the transformer plans.

    Attributes:
        context: Transitions that a plan is made from, the present one included.
        horizon: Transitions that are planned.
        beam: Sequences kept after each transition.
        candidates: Continuations of each kept sequence.
        observation_tail: Probability of unlikely observation tokens never drawn; None
            takes the likeliest.
        action_tail: The same for action tokens.
        outcome: Reward and value are the mean of their distributions
            ("expectation") or the level below which `quantile` of them lies.
        quantile: That share, for "quantile".
        value: Add the value token to the rewards.
        goal: Numbers of an observation to come near to, in place of reward and value
            tokens; none by default.
        goal_columns: Which numbers they are, the first ones by default.
        critic: What a critic's plan is worth: rewards so far and the Q of its last step
            ("q"), or the advantages Q - V of all steps ("advantage").
        search: Cut candidates after each transition ("beam"), draw `beam` whole
            continuations and take the best ("best-of-n"), keep the `beam` likeliest
            ("likelihood"), or draw actions from a box, with the rest as the model has
            it, and move to the best ones ("cem", "mppi").
        smoothing: Of "likelihood": width of the Gaussian in a kernel density of each
            action number, as a share of that number's range in the data; None takes
            the likeliest bin.
        samples: Sequences of each of the `iterations` of "cem" and "mppi".
        elites: The best of them, which the next ones are drawn around.
        iterations: Times that they are drawn.
        temperature: Of the weights exp(score / temperature) of the elites of "mppi".
        every: Actions of a plan to execute before the next plan.
        precision: Numbers to plan with; "bf16" is for accelerators and changes plans
            a little.
    """

    context: int = attrs.field(default=5, validator=whole(1))
    horizon: int = attrs.field(default=15, validator=whole(1))
    beam: int = attrs.field(default=128, validator=whole(1))
    candidates: int = attrs.field(default=2, validator=whole(1))
    observation_tail: float | None = attrs.field(default=None, validator=_SHARE)
    action_tail: float | None = attrs.field(default=0.6, validator=_SHARE)
    outcome: Literal["expectation", "quantile"] = attrs.field(
        default="expectation", validator=in_(("expectation", "quantile"))
    )
    quantile: float = attrs.field(default=0.5, validator=[gt(0.0), lt(1.0)])
    value: bool = True
    goal: tuple[float, ...] = ()
    goal_columns: tuple[int, ...] = ()
    critic: Literal["q", "advantage"] = attrs.field(
        default="q", validator=in_(("q", "advantage"))
    )
    search: Literal["beam", "best-of-n", "likelihood", "cem", "mppi"] = attrs.field(
        default="beam",
        validator=in_(("beam", "best-of-n", "likelihood", "cem", "mppi")),
    )
    smoothing: float | None = attrs.field(
        default=None, validator=optional([gt(0.0), le(1.0)])
    )
    samples: int = attrs.field(default=64, validator=whole(1))
    elites: int = attrs.field(default=8, validator=whole(1))
    iterations: int = attrs.field(default=4, validator=whole(1))
    temperature: float = attrs.field(default=1.0, validator=gt(0.0))
    every: int = attrs.field(default=1, validator=whole(1))
    precision: Literal["32", "bf16"] = "32"


@attrs.frozen
class CriticSettings:
    """How the critic is trained, by implicit Q-learning.

    Attributes:
        steps: Updates.
        batch: Transitions of an update.
        width: Units of each of the two hidden layers.
        learning_rate: Learning rate of Adam.
        expectile: Which expectile of Q the value regresses to.
        temperature: Weight of the advantage in the policy's regression.
        rewards: As the data has them ("plain"), minus one ("minus-one"), or so that
            the best and the worst episode return lie 1000 apart ("spread").
        tanh: Put the policy's mean through a tanh, as the published code does, for
            actions from -1 to 1; else it is clipped where it acts.
        output_gain: Gain of the first weights of last layers; the published code has
            that of the others, 1.41.
    """

    steps: int = attrs.field(default=1_000_000, validator=whole(1))
    batch: int = attrs.field(default=256, validator=whole(1))
    width: int = attrs.field(default=256, validator=whole(1))
    learning_rate: float = attrs.field(default=3e-4, validator=gt(0.0))
    expectile: float = attrs.field(default=0.7, validator=[gt(0.0), lt(1.0)])
    temperature: float = attrs.field(default=3.0, validator=ge(0.0))
    rewards: Literal["plain", "minus-one", "spread"] = attrs.field(
        default="plain", validator=in_(("plain", "minus-one", "spread"))
    )
    tanh: bool = False
    output_gain: float = attrs.field(default=0.01, validator=gt(0.0))


@attrs.frozen
class CloningConfig:
    """Settings of behaviour cloning.

    `fraction` keeps the episodes of highest return only: 0.1 is the baseline of D4RL
    papers that clones the best tenth. Loss: mean squared error of the action.
    """

    steps: int = attrs.field(default=5_000, validator=whole(1))
    """Gradient steps."""
    batch: int = attrs.field(default=256, validator=whole(1))
    """Transitions of a gradient step."""
    width: int = attrs.field(default=256, validator=whole(1))
    """Units of each of the two hidden layers."""
    learning_rate: float = attrs.field(default=1e-3, validator=gt(0.0))
    """Learning rate of Adam, which falls to zero along a cosine."""
    fraction: float = attrs.field(default=1.0, validator=[gt(0.0), le(1.0)])
    """Share of the episodes to clone, those of highest return."""


@attrs.frozen
class Recipe:
    """Every setting of the methods on one family of datasets.

    Attributes:
        discount: Weight of the next reward against the present one, in the value
            tokens and in the planner's score alike.
        chunk: Steps of the environment that are one transition for all that learns,
            with one joined action.
        executed: Steps of a chunk that are executed before the next is chosen.
        termination_reward: Reward in place of the one that truly ended an episode;
            None keeps it.
        own: Settings that one method alone has, each of a class of its own; what is
            not given has its defaults.

    Raises:
        ValueError: if a setting is out of its range, or parts of chunks are executed
            by a planner that looks back or executes several.
    """

    discount: float = attrs.field(default=0.99, validator=[gt(0.0), le(1.0)])
    chunk: int = attrs.field(default=1, validator=whole(1))
    executed: int = attrs.field(default=1, validator=whole(1))
    termination_reward: float | None = None
    tokenizer: TokenizerSettings = TokenizerSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    planner: PlannerSettings = PlannerSettings()
    cloning: CloningConfig = attrs.field(factory=CloningConfig)
    critic: CriticSettings = CriticSettings()
    own: tuple[object, ...] = ()

    def part(self, part: Part) -> Any:
        """Return a field by its name, or a method's own settings by their class."""
        if isinstance(part, str):
            return getattr(self, part)
        return next((own for own in self.own if isinstance(own, part)), None) or part()

    def replace(self, part: Part, value: Any) -> "Recipe":
        """Return a recipe with another value of a field, or other own settings."""
        if isinstance(part, str):
            changes: dict[str, Any] = {part: value}
            return attrs.evolve(self, **changes)
        others = (own for own in self.own if not isinstance(own, part))
        return attrs.evolve(self, own=(*others, value))

    def __attrs_post_init__(self) -> None:
        """Check the settings of chunks against one another."""
        if self.executed > self.chunk:
            raise ValueError(
                f"expected to execute at most the {self.chunk} steps of a chunk, got "
                f"{self.executed}: give --chunk as well"
            )
        if self.executed < self.chunk and (
            self.planner.context > 1 or self.planner.every > 1
        ):
            raise ValueError(
                "expected --planner.context 1 and --planner.every 1 where "
                f"{self.executed} of the {self.chunk} steps of a chunk are executed, "
                f"got {self.planner.context} and {self.planner.every}: a planner that "
                "looks back needs --executed equal to --chunk"
            )
