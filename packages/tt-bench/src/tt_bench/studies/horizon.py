"""How far ahead models stay right, when an episode's actions are replayed.

Janner et al. 2021, figure 3, arXiv 2106.02039.

Axes: S starts, M particles of each, L steps, Do numbers of an observation.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import attrs
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tt_bench.interface import BoolArray, FloatArray, working
from tt_bench.methods import (
    Context,
    EnsembleDynamics,
    EnsembleSettings,
    as_rows,
    find_ensemble,
    find_transformer,
)
from tt_bench.studies.held_out import (
    Replays,
    draw_replays,
    held_out,
    mask,
    pieces,
    take,
    visible_numbers,
)
from tt_bench.studies.imagined import (
    Sequencer,
    as_prefix,
    by_ensemble,
    by_transformer,
)

MODELS = ("transformer", "one transition", "feed-forward", "ensemble")
_SEED = 1_000_003  # of starts and masks, apart from those of trainings
_FLOOR = 0.01  # deviation of a prediction at least, of that of the data
_FAR = 1e6  # deviations at most that count

_Imagine = Callable[[], Tensor]


@attrs.frozen
class HorizonSettings:
    """What is asked.

    Attributes:
        starts: places in held-out episodes.
        particles: of each, whose mean is the prediction.
        steps: imagined.
        masked: hide half of each episode's numbers, from the training too.
    """

    starts: int = 64
    particles: int = 16
    steps: int = 100
    masked: bool = False


class Judged(NamedTuple):
    """How wrong a model is, start by start: [S, L] each."""

    error: NDArray[np.float64]  # root of the mean square, in deviations of the data
    likelihood: NDArray[np.float64]  # mean over the numbers, in nats


def study_horizon(context: Context, settings: HorizonSettings) -> dict[str, Any]:
    """Return the error of every model at every step ahead, as plain numbers.

    Raises:
        ValueError: there are too few episodes, or too short ones, or chunks.
    """
    if context.recipe.chunk > 1:
        raise ValueError("expected single steps, got chunks: give --chunk 1")
    shown = _shown(context, settings.masked)
    context = _with_mask(context, shown) if settings.masked else context
    known = context.recipe.training.transitions
    replays = draw_replays(
        context.episodes,
        held_out(context.episodes),
        known,
        settings.steps,
        settings.starts,
        _SEED,
    )
    truth = _truth(context, replays, known, shown)
    imagined = _imagine(context, replays, known, settings)
    return {name: summarise(judge(one, *truth)) for name, one in imagined.items()}


def _shown(context: Context, masked: bool) -> BoolArray:
    if masked:
        return visible_numbers(context.episodes, _SEED)
    size = len(context.episodes.ends), context.episodes.observations.shape[1]
    return np.ones(size, np.bool_)


def _with_mask(context: Context, shown: BoolArray) -> Context:
    identity = {**context.identity, "masked": "half of the observation"}
    return attrs.evolve(
        context, episodes=mask(context.episodes, shown), identity=identity
    )


def _imagine(
    context: Context, replays: Replays, known: int, settings: HorizonSettings
) -> Mapping[str, FloatArray]:
    """Train every model, and return what it imagines: [S, M, L, Do]."""
    shape = settings.starts, settings.particles
    actions = torch.from_numpy(pieces(context.episodes.actions, replays))[
        :, known - 1 :
    ]
    actions = actions[:, : settings.steps].repeat_interleave(settings.particles, 0)
    makers = {
        MODELS[0]: _transformer(
            context, replays, known, actions, settings, memory=True
        ),
        MODELS[1]: _transformer(
            _seeing_two(context), replays, known, actions, settings, memory=False
        ),
        MODELS[2]: _ensemble(_alone(context), replays, known, actions, settings),
        MODELS[3]: _ensemble(context, replays, known, actions, settings),
    }
    found = {}
    with working(
        context.notify, f"horizon seed {context.seed}", len(makers)
    ) as advance:
        for done, (name, imagine) in enumerate(makers.items()):
            advance(done, name)
            found[name] = imagine().numpy().reshape(*shape, *actions.shape[1:2], -1)
    return found


def _transformer(
    context: Context,
    replays: Replays,
    known: int,
    actions: Tensor,
    settings: HorizonSettings,
    *,
    memory: bool,
) -> _Imagine:
    trained = find_transformer(context)
    sequencer = Sequencer(trained.model.eval(), trained.bins, trained.layout)
    episodes = context.episodes
    rows = as_rows(episodes, context.recipe)
    prefix = as_prefix(sequencer, pieces(rows, replays)[:, :known])
    prefix = prefix.repeat_interleave(settings.particles, 0)
    draws = torch.Generator().manual_seed(context.seed)
    return lambda: by_transformer(sequencer, prefix, actions, draws, memory=memory)


def _seeing_two(context: Context) -> Context:
    """Train on pairs of transitions, what follows one and nothing more, as many."""
    training = context.recipe.training
    pairs = max(1, training.batch * training.transitions // 2)
    training = attrs.evolve(training, transitions=2, batch=pairs)
    return attrs.evolve(context, recipe=attrs.evolve(context.recipe, training=training))


def _alone(context: Context) -> Context:
    """Train one model with the updates of all members, which takes about as long."""
    own: EnsembleSettings = context.recipe.part(EnsembleSettings)
    own = attrs.evolve(own, members=1, steps=own.steps * own.members)
    return attrs.evolve(context, recipe=context.recipe.replace(EnsembleSettings, own))


def _ensemble(
    context: Context,
    replays: Replays,
    known: int,
    actions: Tensor,
    settings: HorizonSettings,
) -> _Imagine:
    """Train on the episodes that the transformer is trained on."""
    dynamics = EnsembleDynamics(
        find_ensemble(
            attrs.evolve(
                context,
                episodes=take(context.episodes, ~held_out(context.episodes)),
                identity={**context.identity, "held_out": True},
            )
        ).ensemble
    )
    seen = torch.from_numpy(pieces(context.episodes.observations, replays))
    present = seen[:, known - 1].repeat_interleave(settings.particles, 0)
    draws = torch.Generator().manual_seed(context.seed)
    return lambda: by_ensemble(dynamics, present, actions, draws)


def _truth(
    context: Context, replays: Replays, known: int, shown: BoolArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return what followed [S, L, Do], the data's deviation, and what is shown."""
    following = context.episodes.next_observations()
    deviation = context.episodes.observations.std(0).clip(min=1e-6)
    ahead = pieces(following, replays)[:, known - 1 : -1]
    return ahead, deviation, shown[replays.episode]


def judge(
    imagined: FloatArray, truth: FloatArray, deviation: FloatArray, shown: BoolArray
) -> Judged:
    """Judge particles [S, M, L, Do] against [S, L, Do], by the numbers shown [S, Do].

    The likelihood is that of a Gaussian with the particles' mean and variance, and some
    variance more.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        standard = (imagined.astype(np.float64) - truth[:, None]) / deviation
    standard = np.nan_to_num(standard, nan=_FAR, posinf=_FAR, neginf=-_FAR)
    standard = standard.clip(-_FAR, _FAR)
    away, variance = standard.mean(1), standard.var(1) + _FLOOR**2
    surprise = 0.5 * (away**2 / variance + np.log(2 * np.pi * variance))
    weights = shown[:, None] / shown.sum(1)[:, None, None]
    error = np.sqrt((weights * away**2).sum(2))
    return Judged(error, -(weights * surprise).sum(2))


def summarise(judged: Judged) -> dict[str, list[list[float]]]:
    """Return the quartiles over the starts at every step: lists [3, L]."""
    quarters = (25, 50, 75)
    return {
        "error": np.percentile(judged.error, quarters, axis=0).tolist(),
        "likelihood": np.percentile(judged.likelihood, quarters, axis=0).tolist(),
    }
