"""A transformer and its training, as a recipe has them."""

import math
from typing import Any

import torch

from tt_bench.methods.settings import Recipe, TrainingSettings
from tt_model import TrainConfig, TrajectoryTransformer, TransformerConfig
from tt_tokenize import Bins, Layout

RECORDS = 10  # of the losses, in a whole training


def model_config(recipe: Recipe, layout: Layout, bins: Bins) -> TransformerConfig:
    """Return the network's shape; a token sees as far as a training sequence goes."""
    shape = recipe.model
    return TransformerConfig(
        vocabulary=bins.bins,
        transition=layout.width,
        layers=shape.layers,
        heads=shape.heads,
        width=shape.width,
        positions=shape.positions,
        window=recipe.training.transitions,
        span=recipe.training.transitions,
        dropout=shape.dropout,
        inputs=shape.inputs,
        outputs=shape.outputs,
        per_position=shape.per_position,
        attending=shape.attending,
    )


def train_config(
    recipe: Recipe, layout: Layout, *, windows: int, seed: int, records: int = RECORDS
) -> TrainConfig:
    """Return the settings of training on so many transitions of a layout.

    The losses are recorded so many times, and once more at the end of what is left.
    """
    settings = recipe.training
    weights = [1.0] * layout.width
    weights[layout.action_slice] = [settings.action_weight] * layout.action
    loss_weights: Any = tuple(weights)
    return TrainConfig(
        steps=settings.steps,
        batch=settings.batch,
        transitions=settings.transitions,
        learning_rate=settings.learning_rate,
        decay_steps=_decay_steps(settings, windows),
        final_fraction=settings.final_fraction,
        loss_weights=loss_weights,
        steps_per_epoch=max(1, settings.steps // records),
        checkpoint_every=max(1, min(1_000, settings.steps // 10)),
        seed=seed,
        precision="32-true" if settings.precision == "auto" else settings.precision,
        compile=settings.compile,
    )


def _decay_steps(settings: TrainingSettings, windows: int) -> int | None:
    """Return the step at which the cosine ends; None stands for the last one."""
    if settings.decay is None:
        return None
    steps = math.ceil(settings.decay * windows / settings.batch)
    return steps if steps < settings.steps else None


def new_model(config: TransformerConfig, seed: int) -> TrajectoryTransformer:
    """Initialise from the seed alone, leaving the global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TrajectoryTransformer(config)
