"""Train a trajectory transformer on a dataset, or find the one trained before."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy as np
import torch

import tt_model
import tt_tokenize
from tt_bench.data.episodes import Episodes
from tt_bench.files.json_file import write_json
from tt_bench.interface import IntArray
from tt_bench.methods.settings import Recipe, TrainingSettings
from tt_model import (
    Epoch,
    Progress,
    Sequences,
    TrainConfig,
    TrajectoryTransformer,
    TransformerConfig,
)
from tt_tokenize import Bins, Layout, QuantileBins, UniformBins, join, reward_to_go

_HELD_OUT_EVERY = 20
RECORDS = 10  # of the losses, in a whole training


class Trained(NamedTuple):
    """A trained transformer, its tokenizer, and what training took."""

    model: TrajectoryTransformer
    bins: Bins
    layout: Layout
    steps: int
    seconds: float


def fit_bins(episodes: Episodes, recipe: Recipe) -> tuple[Bins, Layout, Sequences]:
    """Tokenize episodes: rewards, and values as the recipe discounts them."""
    rewards = episodes.rewards.copy()
    if recipe.termination_reward is not None:
        rewards[episodes.terminations()] = recipe.termination_reward
    values = reward_to_go(rewards, episodes.ends, recipe.discount)
    data = join(episodes.observations, episodes.actions, rewards, values)
    kind = QuantileBins if recipe.tokenizer.kind == "quantile" else UniformBins
    bins = kind.fit(data, bins=recipe.tokenizer.bins)
    layout = Layout(episodes.observations.shape[1], episodes.actions.shape[1])
    return (
        bins,
        layout,
        Sequences(bins.encode(data), episodes.ends, episodes.terminated),
    )


def split(data: Sequences, together: int = 1) -> tuple[Sequences, Sequences | None]:
    """Hold out every twentieth episode; None where there are fewer.

    Where so many in a row were one episode that was cut into chunks, they stay
    `together`.
    """
    episode = np.arange(len(data.ends))
    held = (episode // together + 1) % _HELD_OUT_EVERY == 0
    if not held.any():
        return data, None
    return _take(data, episode[~held]), _take(data, episode[held])


def _take(data: Sequences, chosen: IntArray) -> Sequences:
    lengths = np.diff(data.ends, prepend=0)
    starts = data.ends - lengths
    rows = np.concatenate([np.arange(starts[e], data.ends[e]) for e in chosen])
    return Sequences(
        data.tokens[rows], lengths[chosen].cumsum(), data.terminated[chosen]
    )


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
    )


def train_config(
    recipe: Recipe, layout: Layout, *, windows: int, seed: int
) -> TrainConfig:
    """Return the settings of training on so many transitions of a layout."""
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
        loss_weights=loss_weights,
        steps_per_epoch=max(1, settings.steps // RECORDS),
        checkpoint_every=max(1, min(1_000, settings.steps // 10)),
        seed=seed,
        precision=settings.precision,
        compile=settings.compile,
    )


def _decay_steps(settings: TrainingSettings, windows: int) -> int | None:
    """Return the step at which the cosine ends; None stands for the last one."""
    if settings.decay is None:
        return None
    steps = math.ceil(settings.decay * windows / settings.batch)
    return steps if steps < settings.steps else None


def train_transformer(
    episodes: Episodes,
    recipe: Recipe,
    folder: Path,
    *,
    seed: int,
    device: str,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train in a folder, going on from its checkpoint, or load what it holds."""
    if (folder / "model.safetensors").exists():
        return _load(folder, device)
    bins, layout, data = fit_bins(episodes, recipe)
    fitted, held_out = split(data, recipe.chunk)
    model = new_model(model_config(recipe, layout, bins), seed)
    checkpoint = folder / "checkpoint.safetensors"
    history = tt_model.train(
        model.to(device),
        fitted,
        train_config(recipe, layout, windows=len(fitted.tokens), seed=seed),
        held_out=held_out,
        parts=_parts(layout),
        checkpoint=checkpoint,
        device=device,
        on_progress=on_progress,
    )
    _save(folder, model, bins, layout, recipe.training.steps, history)
    checkpoint.unlink(missing_ok=True)
    return _load(folder, device)


def new_model(config: TransformerConfig, seed: int) -> TrajectoryTransformer:
    """Initialise from the seed alone, leaving the global generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TrajectoryTransformer(config)


def _parts(layout: Layout) -> dict[str, slice]:
    return {
        "observation": layout.observation_slice,
        "action": layout.action_slice,
        "reward": layout.reward_slice,
        "value": layout.value_slice,
    }


def _save(
    folder: Path,
    model: TrajectoryTransformer,
    bins: Bins,
    layout: Layout,
    steps: int,
    history: Sequence[Epoch],
) -> None:
    """Write the parts, the model last: where it is, all are."""
    content = {
        "layout": attrs.asdict(layout),
        "steps": steps,
        "seconds": history[-1].seconds,
        "losses": [_record(epoch) for epoch in history],
    }
    write_json(folder / "training.json", content)
    tt_tokenize.save(bins, folder / "tokenizer.npz")
    tt_model.save(model, folder / "model.safetensors")


def _record(epoch: Epoch) -> dict[str, Any]:
    """Return the losses of an epoch; None stands for what was not measured."""
    held_out = {
        part: None if math.isnan(loss) else loss for part, loss in epoch.parts.items()
    }
    return {
        "step": epoch.step,
        "seconds": epoch.seconds,
        "training": epoch.training_loss,
        "held_out": held_out,
    }


def _load(folder: Path, device: str) -> Trained:
    notes = json.loads((folder / "training.json").read_text())
    return Trained(
        tt_model.load(folder / "model.safetensors", device=device).eval(),
        tt_tokenize.load(folder / "tokenizer.npz"),
        Layout(**notes["layout"]),
        notes["steps"],
        notes["seconds"],
    )
