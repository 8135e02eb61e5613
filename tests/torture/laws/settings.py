"""Laws of the settings of tt_bench."""

from torture.laws.law import Law
from torture.values import choice, maybe, options, paths, real, whole
from tt_bench import (
    CloningConfig,
    ModelSettings,
    PlannerSettings,
    Recipe,
    RunConfig,
    TokenizerSettings,
    TrainingSettings,
)

_COUNT = whole(1, 9)
_SHARE = maybe(real(0, 0.9))

LAWS = [
    Law(
        "tt_bench.TokenizerSettings",
        TokenizerSettings,
        {"kind": choice("quantile", "uniform"), "bins": whole(2, 9)},
    ),
    Law(
        "tt_bench.ModelSettings",
        ModelSettings,
        {
            "layers": _COUNT,
            "heads": _COUNT,
            "width": _COUNT,
            "positions": choice("rotary", "learned"),
            "dropout": real(0, 0.9),
        },
    ),
    Law(
        "tt_bench.TrainingSettings",
        TrainingSettings,
        {
            "steps": _COUNT,
            "batch": _COUNT,
            "transitions": _COUNT,
            "learning_rate": real(0.001, 1),
            "decay": maybe(real(0.1, 1)),
            "action_weight": real(0, 5),
            "precision": choice("32-true", "tf32", "bf16-mixed"),
            "compile": choice(True, False),
        },
    ),
    Law(
        "tt_bench.PlannerSettings",
        PlannerSettings,
        {
            "context": _COUNT,
            "horizon": _COUNT,
            "beam": _COUNT,
            "candidates": _COUNT,
            "observation_tail": _SHARE,
            "action_tail": _SHARE,
            "outcome": choice("expectation", "quantile"),
            "quantile": real(0.1, 0.9),
            "value": choice(True, False),
            "critic": choice("q", "advantage"),
            "search": choice("beam", "best-of-n"),
            "every": _COUNT,
            "precision": choice("32", "bf16"),
        },
    ),
    Law(
        "tt_bench.CloningConfig",
        CloningConfig,
        {
            "steps": _COUNT,
            "batch": _COUNT,
            "width": _COUNT,
            "learning_rate": real(0.001, 1),
            "fraction": real(0.1, 1),
        },
    ),
    Law(
        "tt_bench.Recipe",
        Recipe,
        {
            "discount": real(0.1, 1),
            "chunk": whole(1, 1),
            "executed": whole(1, 1),
            "termination_reward": maybe(real(-100, 0)),
        },
    ),
    Law(
        "tt_bench.RunConfig",
        RunConfig,
        {
            "methods": options(
                *(("random",), ("tt", "bc")),
                odd=((), ("magic",), (1,), ["tt"]),
                types=(tuple, list),
            ),
            "seeds": _COUNT,
            "first_seed": whole(0, 2**40),
            "episodes": _COUNT,
            "max_steps": maybe(_COUNT),
            "device": choice("cpu"),
            "output": paths("out"),
        },
        (ValueError, OSError),
    ),
]
