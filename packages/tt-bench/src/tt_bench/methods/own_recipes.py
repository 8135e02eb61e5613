"""What each family of datasets asks of the settings that one method alone has."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from tt_bench.catalogue import D4rlEntry
from tt_bench.methods.cql import CQLSettings
from tt_bench.methods.decision_network import DecisionSettings
from tt_bench.methods.decision_transformer import AskedSettings
from tt_bench.methods.gaussian_ensemble import EnsembleSettings
from tt_bench.methods.rebrac import ReBRACSettings
from tt_bench.methods.settings import Recipe
from tt_bench.methods.td3_bc import TD3BCSettings

_SMALL_DECISIONS: dict[str, Any] = {
    "steps": 20_000,
    "batch": 16,
    "context": 10,
    "layers": 2,
    "width": 64,
    "learning_rate": 1e-3,
    "warm_up": 1_000,
}
_SMALL_TD3_BC: dict[str, Any] = {"steps": 100_000}
_SMALL_REBRAC: dict[str, Any] = {"steps": 40_000, "batch": 256}
_SMALL_CQL: dict[str, Any] = {
    "steps": 25_000,
    "batch": 64,
    "layers": 2,
    "actions": 4,
    "actor_rate": 3e-4,
}
_LOCOMOTION = (DecisionSettings(scale=1_000.0),)
# What arXiv 2106.01345 asks for; of halfcheetahs its code also asks 12000.
_ASKED = {"hopper": 3_600.0, "walker2d": 5_000.0, "halfcheetah": 6_000.0}


_SMALL: Mapping[type[Any], dict[str, Any]] = MappingProxyType(
    {
        DecisionSettings: _SMALL_DECISIONS,
        TD3BCSettings: _SMALL_TD3_BC,
        ReBRACSettings: _SMALL_REBRAC,
        CQLSettings: _SMALL_CQL,
        EnsembleSettings: {"steps": 10_000},
    }
)
# The actor's and the critic's penalties that arXiv 2305.09836 chose for each set.
_PENALTIES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "halfcheetah-random": (0.001, 0.1),
        "halfcheetah-medium": (0.001, 0.01),
        "halfcheetah-medium-replay": (0.01, 0.001),
        "halfcheetah-full-replay": (0.001, 0.1),
        "halfcheetah-medium-expert": (0.01, 0.1),
        "halfcheetah-expert": (0.01, 0.01),
        "hopper-random": (0.001, 0.01),
        "hopper-medium": (0.01, 0.01),
        "hopper-medium-replay": (0.05, 0.5),
        "hopper-full-replay": (0.01, 0.01),
        "hopper-medium-expert": (0.1, 0.01),
        "hopper-expert": (0.1, 0.1),
        "walker2d-random": (0.01, 0.0),
        "walker2d-medium": (0.05, 0.1),
        "walker2d-medium-replay": (0.05, 0.01),
        "walker2d-full-replay": (0.01, 0.01),
        "walker2d-medium-expert": (0.01, 0.01),
        "walker2d-expert": (0.01, 0.5),
        "antmaze-umaze": (0.003, 0.002),
        "antmaze-umaze-diverse": (0.003, 0.001),
        "antmaze-medium-play": (0.001, 0.0005),
        "antmaze-medium-diverse": (0.001, 0.0),
        "antmaze-large-play": (0.002, 0.001),
        "antmaze-large-diverse": (0.002, 0.002),
        "maze2d-umaze": (0.003, 0.001),
        "maze2d-medium": (0.003, 0.001),
        "maze2d-large": (0.003, 0.001),
        "pen-human": (0.1, 0.5),
        "pen-cloned": (0.05, 0.5),
        "pen-expert": (0.01, 0.01),
        "door-human": (0.1, 0.1),
        "door-cloned": (0.01, 0.1),
        "door-expert": (0.05, 0.01),
        "hammer-human": (0.01, 0.5),
        "hammer-cloned": (0.1, 0.5),
        "hammer-expert": (0.01, 0.01),
        "relocate-human": (0.1, 0.01),
        "relocate-cloned": (0.1, 0.01),
        "relocate-expert": (0.05, 0.01),
    }
)
_MAZE_REBRAC = ReBRACSettings(batch=256, actor_rate=3e-4, critic_rate=5e-5, scale=100.0)
_SLOW_REBRAC = ReBRACSettings(batch=256, actor_rate=3e-4, critic_rate=3e-4)
_HAND_CQL = CQLSettings(actor_rate=1e-4, weight=1.0)
# Of CORL's runs of ant mazes: the penalty's weight is learned.
_MAZE_CQL = CQLSettings(
    layers=5,
    actor_rate=1e-4,
    weight=5.0,
    gap=0.8,
    least=-200.0,
    best_of=True,
    scale=10.0,
    shift=-5.0,
)
_PUBLISHED_TD3_BC = TD3BCSettings(steps=1_000_000)
_HANDS = ("pen", "door", "hammer", "relocate")
_PUBLISHED: Mapping[str, tuple[object, ...]] = MappingProxyType(
    {
        "antmaze": (_MAZE_REBRAC, _MAZE_CQL),
        "maze2d": (_SLOW_REBRAC, CQLSettings(gap=5.0)),
        "kitchen": (_SLOW_REBRAC, _HAND_CQL),
        **dict.fromkeys(_HANDS, (_SLOW_REBRAC, _HAND_CQL)),
    }
)


def with_locomotion(recipe: Recipe) -> Recipe:
    """Return a recipe with what methods have of their own for running bodies."""
    return attrs.evolve(recipe, own=_LOCOMOTION)


def with_published(recipe: Recipe, entry: D4rlEntry) -> Recipe:
    """Return a recipe with the settings published for one of D4RL's datasets."""
    own = _PUBLISHED.get(entry.family, _LOCOMOTION)
    recipe = attrs.evolve(recipe, own=(*own, _PUBLISHED_TD3_BC))
    rebrac = recipe.part(ReBRACSettings)
    if entry.task in _PENALTIES:
        actor, critic = _PENALTIES[entry.task]
        rebrac = attrs.evolve(rebrac, actor_penalty=actor, critic_penalty=critic)
    return recipe.replace(ReBRACSettings, rebrac)


def asking_published(recipe: Recipe, entry: D4rlEntry) -> Recipe:
    """Return a recipe that asks for the published return: D4RL's own data have it."""
    return recipe.replace(AskedSettings, AskedSettings(_asked(entry)))


def _asked(entry: D4rlEntry) -> float | None:
    family, _, kind = entry.task.partition("-")
    if family == "halfcheetah" and kind.endswith("expert"):
        return 12_000.0
    return _ASKED.get(family)


def made_small(recipe: Recipe) -> Recipe:
    """Return a recipe whose methods a core trains in minutes."""
    for kind, small in _SMALL.items():
        recipe = recipe.replace(kind, attrs.evolve(recipe.part(kind), **small))
    return recipe
