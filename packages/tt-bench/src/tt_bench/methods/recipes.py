"""The recipe of each family of datasets."""

import re
from pathlib import Path

import attrs

from tt_bench.catalogue import D4rlEntry, find_d4rl, similar_d4rl
from tt_bench.data import HDF5_SUFFIXES
from tt_bench.methods.own_recipes import (
    asking_published,
    made_small,
    with_locomotion,
    with_published,
)
from tt_bench.methods.settings import (
    CloningConfig,
    CriticSettings,
    ModelSettings,
    PlannerSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)

_PAPERS = ModelSettings(layers=2, heads=4, width=64, dropout=0.0)
# Learns as much as the paper's network from a ninth of the tokens: docs/learning.md.
_FAST = attrs.evolve(
    _PAPERS, inputs="transition", outputs="relative", per_position=True, attending=1
)
# For a given number of tokens, many small steps learn far more than few large ones.
# Actions are mostly noise that nothing predicts: with the papers' weight of 5 they
# drown the rest of what short training could learn.
_FAST_STEPS = TrainingSettings(
    steps=2_000,
    batch=16,
    transitions=5,
    learning_rate=4e-3,
    final_fraction=0.0,
    action_weight=1.0,
)
# Data may come from several controllers: from a long context the model tells which one
# it seems to follow and goes on as that one would, so the context here is short.
_SMALL = made_small(
    Recipe(
        model=_FAST,
        training=_FAST_STEPS,
        planner=PlannerSettings(context=2, horizon=10, beam=16, action_tail=0.0),
        cloning=CloningConfig(steps=3_000),
        critic=CriticSettings(steps=10_000, expectile=0.9, temperature=10.0),
    )
)
# Mazes that end in the goal act 20 times a second. With reward 1 there alone a step's
# advantage is about 1 - discount: the temperature 1000 is the usual 10 for rewards of
# -1 a step. Above an expectile of 0.7 short training leaves V far too high. Unlikely
# actions lead plans where the transformer knows too little, such as through walls.
_TASK = attrs.evolve(
    _SMALL,
    model=_PAPERS,
    training=TrainingSettings(steps=1_200, batch=64, transitions=5, learning_rate=2e-3),
    planner=attrs.evolve(_SMALL.planner, context=5, action_tail=0.4),
    critic=CriticSettings(steps=20_000, expectile=0.7, temperature=1000.0),
)
# The other mazes act 100 times a second: five actions of a plan are 0.05 s.
_MAZE = attrs.evolve(
    _SMALL,
    planner=attrs.evolve(_SMALL.planner, context=5, every=5),
    critic=attrs.evolve(_SMALL.critic, steps=5_000),
)
# The ant of gymnasium-robotics acts 20 times a second. A step's advantage is mostly
# error and a quarter of a second's is less so. Executed whole, chunks that no feedback
# corrects walk badly.
_ANTMAZE = attrs.evolve(
    _SMALL,
    model=_PAPERS,
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
# D4RL's ant acts ten times a second: what the published critic can tell apart.
_D4RL_ANT = attrs.evolve(
    _ANTMAZE,
    chunk=1,
    executed=1,
    model=_FAST,
    training=attrs.evolve(_FAST_STEPS, steps=12_000, transitions=3),
    planner=attrs.evolve(_ANTMAZE.planner, beam=16),
    critic=attrs.evolve(_ANTMAZE.critic, steps=1_000_000, tanh=True),
)
# Where to go is told by a goal and not by what went before. With fewer bins a place is
# likelier to be known, and much of what is drawn here is the actions.
_ROOMS = attrs.evolve(
    _SMALL,
    tokenizer=TokenizerSettings(bins=50),
    training=attrs.evolve(
        _FAST_STEPS, steps=6_000, batch=32, transitions=2, action_weight=5.0
    ),
    planner=attrs.evolve(_SMALL.planner, context=1, horizon=2),
    cloning=CloningConfig(steps=10_000),
)
_OWN_ANT = re.compile("tt/antmaze/(umaze-v1|[a-z]+-(play|diverse)-v0)")
_LOCOMOTION = with_locomotion(
    Recipe(termination_reward=-100.0, critic=CriticSettings(rewards="spread"))
)
_LOCOMOTION_WORDS = frozenset({"hopper", "halfcheetah", "walker2d", "ant"})
_PUBLISHED_ANTMAZE = Recipe(
    critic=CriticSettings(expectile=0.9, temperature=10.0, rewards="minus-one")
)
# Hands and kitchens have those of arXiv 2110.06169 but for its dropout.
_PUBLISHED_TASK = Recipe(critic=CriticSettings(expectile=0.7, temperature=0.5))
_EASY = ("halfcheetah-medium", "halfcheetah-medium-replay")
_NARROW = PlannerSettings(beam=32, horizon=5)
_EPOCHS, _REPLAY_EPOCHS = 50, 80
_EPOCH = 1_000_000  # transitions
_DECAY = 20.0  # passes over the data


def recipe_for(dataset: str, *, small: bool = False) -> Recipe:
    """Choose the recipe of a dataset by its name.

    D4RL's datasets, and files named like one, have the settings of arXiv 2106.02039
    and arXiv 2110.06169, which want an accelerator; so have other locomotion tasks,
    with less training. What is not known by name gets a recipe made for two processor
    cores; point mazes get it with several actions executed from each plan, ant mazes
    with some more training: those of D4RL's ant that are made here with the published
    critic, others in chunks of steps.

    Args:
        dataset: a name as `load_dataset` takes it.
        small: make a recipe that wants an accelerator one for two processor cores.
    """
    recipe = _known_recipe(dataset)
    made_for_two_cores = recipe.model in (_FAST, _PAPERS)
    return _for_two_cores(recipe) if small and not made_for_two_cores else recipe


def _known_recipe(dataset: str) -> Recipe:
    own, like = find_d4rl(dataset), similar_d4rl(dataset)
    if own is not None:
        return asking_published(_d4rl_recipe(own), own)
    if like is not None:
        return _d4rl_recipe(like)
    words = _words(dataset)
    if _OWN_ANT.fullmatch(dataset):
        return _D4RL_ANT
    if "antmaze" in words:
        return _ANTMAZE
    if "fourrooms" in words:
        return _ROOMS
    if words & _LOCOMOTION_WORDS:
        return _LOCOMOTION
    if "pointmaze" in words:
        return _TASK if "sparse" in words else _MAZE
    return _SMALL


def _words(dataset: str) -> set[str]:
    """Split an id, or the name of a file without its folders, into lower-case words."""
    path = Path(dataset)
    name = path.stem if path.suffix in HDF5_SUFFIXES else dataset
    return set(re.split("[^a-z0-9]+", name.lower()))


def _for_two_cores(recipe: Recipe) -> Recipe:
    """Keep what the task asks for, and train and plan as far as two cores can.

    A network that knows what unlikely actions lead to can be asked about most of them,
    and needs no past to search; in mazes they lead through walls.
    """
    planner = attrs.evolve(recipe.planner, beam=32, horizon=5)
    if recipe.termination_reward is not None:  # locomotion
        planner = attrs.evolve(planner, context=1, action_tail=0.2)
    return attrs.evolve(
        made_small(recipe),
        model=_FAST,
        training=attrs.evolve(_FAST_STEPS, steps=12_000),
        planner=planner,
        cloning=CloningConfig(steps=10_000),
        critic=attrs.evolve(recipe.critic, steps=100_000),
    )


def _d4rl_recipe(entry: D4rlEntry) -> Recipe:
    """Return the published settings, of arXiv 2106.02039 and 2110.06169."""
    training = TrainingSettings()
    epochs = _REPLAY_EPOCHS if entry.task.endswith("medium-replay") else _EPOCHS
    steps = round(epochs * _EPOCH / training.batch)
    ant = entry.family == "antmaze"
    of_tasks = _PUBLISHED_ANTMAZE if ant else _PUBLISHED_TASK
    recipe = with_published(_LOCOMOTION if entry.locomotion else of_tasks, entry)
    return attrs.evolve(
        recipe,
        training=attrs.evolve(training, steps=steps, decay=_DECAY),
        planner=_NARROW if entry.task in _EASY else PlannerSettings(),
    )
