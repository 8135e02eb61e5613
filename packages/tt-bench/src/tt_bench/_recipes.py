"""Settings of every stage, and the recipe of each family of datasets."""

import re
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs.validators import ge, gt, in_, le, lt, optional

from tt_bench._cloning import CloningConfig
from tt_bench._d4rl_names import D4rlEntry, find_d4rl, similar_d4rl
from tt_bench._load import is_file

_SHARE: Any = optional([ge(0.0), lt(1.0)])


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
    bins: int = attrs.field(default=100, validator=ge(2))


@attrs.frozen
class ModelSettings:
    """The shape of the transformer.

    Attributes:
        layers: Blocks.
        heads: Attention heads of a block.
        width: Features of a token.
        positions: Rotary positions with a sliding window, or learned absolute ones.
        dropout: Rate of dropout in training.
    """

    layers: int = attrs.field(default=4, validator=ge(1))
    heads: int = attrs.field(default=4, validator=ge(1))
    width: int = attrs.field(default=128, validator=ge(1))
    positions: Literal["rotary", "learned"] = "rotary"
    dropout: float = attrs.field(default=0.1, validator=[ge(0.0), lt(1.0)])


@attrs.frozen
class TrainingSettings:
    """How the transformer is trained.

    Attributes:
        steps: Gradient steps.
        batch: Sequences of a step.
        transitions: Transitions of a sequence, which are also those a token sees.
        learning_rate: Peak of the schedule: linear rise, then cosine to a tenth.
        decay: Passes over the transitions trained on until the cosine has ended; where
            training is shorter, and by default, it ends with the training.
        action_weight: Weight of action tokens in the loss; others have 1.
        precision: Numbers to compute with.
        compile: Compile the network first; worth it for long training.
    """

    steps: int = attrs.field(default=20_000, validator=ge(1))
    batch: int = attrs.field(default=256, validator=ge(1))
    transitions: int = attrs.field(default=10, validator=ge(1))
    learning_rate: float = attrs.field(default=6e-4, validator=gt(0.0))
    decay: float | None = attrs.field(default=None, validator=optional(gt(0.0)))
    action_weight: float = attrs.field(default=5.0, validator=ge(0.0))
    precision: Literal["32-true", "tf32", "bf16-mixed"] = "32-true"
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
        critic: What a critic's plan is worth: rewards so far and the Q of its last step
            ("q"), or the advantages Q - V of all steps ("advantage").
        search: Cut candidates after each transition ("beam"), or draw `beam` whole
            continuations and take the best ("best-of-n").
        every: Actions of a plan to execute before the next plan.
        precision: Numbers to plan with; "bf16" is for accelerators and changes plans
            a little.
    """

    context: int = attrs.field(default=5, validator=ge(1))
    horizon: int = attrs.field(default=15, validator=ge(1))
    beam: int = attrs.field(default=128, validator=ge(1))
    candidates: int = attrs.field(default=2, validator=ge(1))
    observation_tail: float | None = attrs.field(default=None, validator=_SHARE)
    action_tail: float | None = attrs.field(default=0.6, validator=_SHARE)
    outcome: Literal["expectation", "quantile"] = attrs.field(
        default="expectation", validator=in_(("expectation", "quantile"))
    )
    quantile: float = attrs.field(default=0.5, validator=[gt(0.0), lt(1.0)])
    value: bool = True
    critic: Literal["q", "advantage"] = attrs.field(
        default="q", validator=in_(("q", "advantage"))
    )
    search: Literal["beam", "best-of-n"] = attrs.field(
        default="beam", validator=in_(("beam", "best-of-n"))
    )
    every: int = attrs.field(default=1, validator=ge(1))
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
    """

    steps: int = attrs.field(default=1_000_000, validator=ge(1))
    batch: int = attrs.field(default=256, validator=ge(1))
    width: int = attrs.field(default=256, validator=ge(1))
    learning_rate: float = attrs.field(default=3e-4, validator=gt(0.0))
    expectile: float = attrs.field(default=0.7, validator=[gt(0.0), lt(1.0)])
    temperature: float = attrs.field(default=3.0, validator=ge(0.0))
    rewards: Literal["plain", "minus-one", "spread"] = attrs.field(
        default="plain", validator=in_(("plain", "minus-one", "spread"))
    )


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

    Raises:
        ValueError: if a setting is out of its range, or parts of chunks are executed
            by a planner that looks back or executes several.
    """

    discount: float = attrs.field(default=0.99, validator=[gt(0.0), le(1.0)])
    chunk: int = attrs.field(default=1, validator=ge(1))
    executed: int = attrs.field(default=1, validator=ge(1))
    termination_reward: float | None = None
    tokenizer: TokenizerSettings = TokenizerSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    planner: PlannerSettings = PlannerSettings()
    cloning: CloningConfig = attrs.field(factory=CloningConfig)
    critic: CriticSettings = CriticSettings()

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


# Data may come from several controllers: from a long context the model tells which one
# it seems to follow and goes on as that one would, so the context here is short.
_SMALL = Recipe(
    model=ModelSettings(layers=2, heads=4, width=64, dropout=0.0),
    training=TrainingSettings(steps=1_200, batch=64, transitions=5, learning_rate=2e-3),
    planner=PlannerSettings(context=2, horizon=10, beam=16, action_tail=0.0),
    cloning=CloningConfig(steps=3_000),
    critic=CriticSettings(steps=10_000, expectile=0.9, temperature=10.0),
)
# Mazes that end in the goal act 20 times a second. With reward 1 there alone a step's
# advantage is about 1 - discount: the temperature 1000 is the usual 10 for rewards of
# -1 a step. Above an expectile of 0.7 short training leaves V far too high. Unlikely
# actions lead plans where the transformer knows too little, such as through walls.
_TASK = attrs.evolve(
    _SMALL,
    planner=attrs.evolve(_SMALL.planner, context=5, action_tail=0.4),
    critic=CriticSettings(steps=20_000, expectile=0.7, temperature=1000.0),
)
# The other mazes act 100 times a second: five actions of a plan are 0.05 s.
_MAZE = attrs.evolve(
    _SMALL,
    planner=attrs.evolve(_SMALL.planner, context=5, every=5),
    critic=attrs.evolve(_SMALL.critic, steps=5_000),
)
# The ant acts 20 times a second. A step's advantage is mostly error and a quarter of a
# second's is less so. Executed whole, chunks that no feedback corrects walk badly. More
# proposals find more of the critic's errors.
_ANTMAZE = attrs.evolve(
    _SMALL,
    chunk=5,
    executed=2,
    training=TrainingSettings(
        steps=8_000, batch=16, transitions=2, learning_rate=4e-3, action_weight=1.0
    ),
    planner=attrs.evolve(
        _SMALL.planner,
        context=1,
        horizon=1,
        beam=8,
        action_tail=0.2,
        search="best-of-n",
    ),
    cloning=CloningConfig(steps=10_000),
    critic=attrs.evolve(_SMALL.critic, steps=100_000, rewards="minus-one"),
)
_LOCOMOTION = Recipe(termination_reward=-100.0, critic=CriticSettings(rewards="spread"))
_LOCOMOTION_WORDS = frozenset({"hopper", "halfcheetah", "walker2d", "ant"})
_EPOCH = 1_000_000  # transitions
_DECAY = 20.0  # passes over the data


def recipe_for(dataset: str, *, small: bool = False) -> Recipe:
    """Choose the recipe of a dataset by its name.

    D4RL's datasets, and files named like one, have the settings of arXiv 2106.02039
    and arXiv 2110.06169, which want an accelerator; so have other locomotion tasks,
    with less training. What is not known by name gets a recipe made for two processor
    cores; point mazes get it with several actions executed from each plan, ant mazes
    with some more training.

    Args:
        dataset: a name as `load_dataset` takes it.
        small: make a recipe that wants an accelerator one for two processor cores.
    """
    recipe = _known_recipe(dataset)
    made_for_two_cores = recipe.model == _SMALL.model
    return _for_two_cores(recipe) if small and not made_for_two_cores else recipe


def _known_recipe(dataset: str) -> Recipe:
    entry = find_d4rl(dataset) or similar_d4rl(dataset)
    if entry is not None:
        return _d4rl_recipe(entry)
    words = _words(dataset)
    if "antmaze" in words:
        return _ANTMAZE
    if words & _LOCOMOTION_WORDS:
        return _LOCOMOTION
    if "pointmaze" in words:
        return _TASK if "sparse" in words else _MAZE
    return _SMALL


def _words(dataset: str) -> set[str]:
    """Split an id, or the name of a file without its folders, into lower-case words."""
    name = Path(dataset).stem if is_file(dataset) else dataset
    return set(re.split("[^a-z0-9]+", name.lower()))


def _for_two_cores(recipe: Recipe) -> Recipe:
    """Keep what the task asks for, and train and plan as far as two cores can.

    For a given number of tokens, many small steps learn far more than few large ones.
    Actions are mostly noise that nothing predicts: with the papers' weight of 5 they
    drown the rest of what short training could learn.
    """
    return attrs.evolve(
        recipe,
        model=_SMALL.model,
        training=TrainingSettings(
            steps=32_000, batch=16, transitions=5, learning_rate=4e-3, action_weight=1.0
        ),
        planner=attrs.evolve(recipe.planner, beam=32, horizon=5),
        cloning=CloningConfig(steps=10_000),
        critic=attrs.evolve(recipe.critic, steps=100_000),
    )


def _d4rl_recipe(entry: D4rlEntry) -> Recipe:
    training = TrainingSettings()
    steps = round(entry.epochs * _EPOCH / training.batch)
    return Recipe(
        termination_reward=entry.termination_reward,
        training=attrs.evolve(training, steps=steps, decay=_DECAY),
        planner=PlannerSettings(beam=entry.beam, horizon=entry.horizon),
        critic=CriticSettings(
            expectile=entry.expectile,
            temperature=entry.temperature,
            rewards=entry.rewards,
        ),
    )
