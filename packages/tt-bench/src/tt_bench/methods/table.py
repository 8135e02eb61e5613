"""Every method by the name it has on the command line, in the order of the table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from tt_bench.methods import (
    baselines,
    cloning,
    cql,
    decision_transformer,
    iql,
    mbop,
    rebrac,
    td3_bc,
    tt,
)
from tt_bench.methods.method import Method
from tt_bench.methods.settings import Recipe, part_name

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "random": baselines.RANDOM,
        "behaviour": baselines.BEHAVIOUR,
        "bc": cloning.BC,
        "bc-10": cloning.BC_10,
        "dt": decision_transformer.DT,
        "td3+bc": td3_bc.TD3_BC,
        "rebrac": rebrac.REBRAC,
        "cql": cql.CQL,
        "iql": iql.IQL,
        "mbop": mbop.MBOP,
        "tt": tt.TT,
        "tt-uniform": tt.TT_UNIFORM,
        "tt+q": tt.TT_AND_Q,
    }
)
"""The methods that are compared; a new one is a file of its own and a line here."""


def own_settings() -> dict[str, type[Any]]:
    """Return the classes of settings that one method alone has, by their option."""
    parts = [part for method in METHODS.values() for part in method.needs]
    return {part_name(part): part for part in parts if not isinstance(part, str)}


def default_settings() -> dict[str, Any]:
    """Return the default of every part of a recipe, by its name."""
    own = {name: attrs.asdict(kind()) for name, kind in own_settings().items()}
    return attrs.asdict(Recipe(), filter=lambda field, _: field.name != "own") | own
