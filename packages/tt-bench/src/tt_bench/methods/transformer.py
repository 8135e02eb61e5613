"""Train a trajectory transformer on a dataset, or find the one trained before."""

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import attrs

import tt_model
import tt_tokenize
from tt_bench.data import Episodes
from tt_bench.files import make_once, remade_if_deleted
from tt_bench.interface import Agent, working
from tt_bench.methods.costs import training_operations
from tt_bench.methods.method import Context, Network, model_folder
from tt_bench.methods.notes import Losses, read_notes, write_notes
from tt_bench.methods.pace import Pace, time_last, time_steps
from tt_bench.methods.precision import Precision, choose_precision
from tt_bench.methods.settings import Recipe
from tt_bench.methods.tokens import fit_bins, split
from tt_bench.methods.transformer_config import (
    RECORDS,
    model_config,
    new_model,
    train_config,
)
from tt_bench.methods.transformer_log import TransformerLog
from tt_bench.methods.watch import Watch, watched
from tt_model import (
    Progress,
    Sequences,
    TrainConfig,
    TrajectoryTransformer,
    TransformerConfig,
)
from tt_tokenize import Bins, Layout

_MODEL, _TOKENIZER, _NOTES = "model.safetensors", "tokenizer.npz", "training.json"
_CHECKPOINT, _PRECISION = "checkpoint.safetensors", "precision.json"
_MOST = 10_000  # steps of a trial
_SHARE = 0.25  # of the matmul peak that training reaches


class Trained(NamedTuple):
    """A trained transformer, its tokenizer, and what training took."""

    model: TrajectoryTransformer
    bins: Bins
    layout: Layout
    steps: int
    seconds: float
    losses: tuple[Losses, ...]


def train_transformer(
    episodes: Episodes,
    recipe: Recipe,
    folder: Path,
    *,
    seed: int,
    device: str,
    records: int = RECORDS,
    on_progress: Callable[[Progress], None] | None = None,
    waiting: Callable[[], None] | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Train in a folder, going on from its checkpoint, or load what it holds.

    The losses are recorded so many times on the way, and logged in the folder. While
    another process trains there, this one waits, and is told so. Who watches scores a
    `Trained`.

    Raises:
        ValueError: the folder holds something damaged, or training diverges.
    """
    make_once(
        folder / _MODEL,
        partial(
            _train,
            *(episodes, recipe, folder, seed, device, records, on_progress),
            watch or Watch(),
        ),
        scaffold=(_CHECKPOINT,),
        waiting=waiting,
    )
    return _load(folder, device)


def _train(
    episodes: Episodes,
    recipe: Recipe,
    folder: Path,
    seed: int,
    device: str,
    records: int,
    on_progress: Callable[[Progress], None] | None,
    watch: Watch,
) -> None:
    bins, layout, data = fit_bins(episodes, recipe)
    fitted, held_out = split(data, recipe.chunk)
    shape = model_config(recipe, layout, bins)
    windows = len(fitted.tokens)
    config = train_config(recipe, layout, windows=windows, seed=seed, records=records)
    if recipe.training.precision == "auto":
        config = _faster(shape, fitted, config, device, folder)
    model = new_model(shape, seed)
    with TransformerLog.opened(
        *(folder, _parts(layout), config, watch),
        lambda: Trained(copy.deepcopy(model).eval(), bins, layout, 0, 0.0, ()),
    ) as log:
        history = tt_model.train(
            model.to(device),
            fitted,
            config,
            held_out=held_out,
            parts=_parts(layout),
            checkpoint=folder / _CHECKPOINT,
            device=device,
            on_progress=log.reporting(on_progress),
            on_epoch=log.epoch,
        )
    # the model last: where it is, all are
    write_notes(folder / _NOTES, layout, recipe.training.steps, history)
    tt_tokenize.save(bins, folder / _TOKENIZER)
    tt_model.save(model, folder / _MODEL)


def _faster(
    shape: TransformerConfig,
    data: Sequences,
    config: TrainConfig,
    device: str,
    folder: Path,
) -> TrainConfig:
    """Return the settings with the precision in which a step is faster."""

    def time_step(precision: Precision) -> float:
        model = new_model(shape, seed=0).to(device)
        trial = _trial(config, precision, device)
        return time_steps(partial(tt_model.train, model, data, trial, device=device))

    chosen = choose_precision(time_step, folder / _PRECISION)
    return attrs.evolve(config, precision=chosen)


def _trial(
    config: TrainConfig, precision: Precision | Literal["tf32"], device: str
) -> TrainConfig:
    """Return the settings for timing steps."""
    return attrs.evolve(
        config,
        precision=precision,
        steps=_MOST,
        decay_steps=None,
        steps_per_epoch=_MOST,
        report_every=1 if device == "cpu" else 10,  # an accelerator must be waited for
    )


def _parts(layout: Layout) -> dict[str, slice]:
    return {
        "observation": layout.observation_slice,
        "action": layout.action_slice,
        "reward": layout.reward_slice,
        "value": layout.value_slice,
    }


def _load(folder: Path, device: str) -> Trained:
    with remade_if_deleted(folder):
        layout, steps, seconds, losses = read_notes(folder / _NOTES)
        bins = tt_tokenize.load(folder / _TOKENIZER)
        model = tt_model.load(folder / _MODEL)
        _check_together(model, bins, layout)
    return Trained(model.to(device), bins, layout, steps, seconds, losses)


def _check_together(model: TrajectoryTransformer, bins: Bins, layout: Layout) -> None:
    """Refuse files of several trainings."""
    has = model.config.vocabulary, model.config.transition
    if not has == (bins.bins, bins.columns) == (bins.bins, layout.width):
        raise ValueError(
            f"expected a model, a tokenizer and a layout of one size, got a model of "
            f"{has[0]} bins and {has[1]} tokens, {bins} and {layout}"
        )


def find_transformer(
    context: Context, make_agent: Callable[[Trained], Agent] | None = None
) -> Trained:
    """Train the transformer of a context, or load the one trained before.

    If training is to be scored, it is the agent that is made of what is trained.
    """
    name, steps = f"tt seed {context.seed}, training", context.recipe.training.steps
    with working(context.notify, name, steps) as advance:

        def on_progress(progress: Progress) -> None:
            pace = f"{progress.tokens_per_second:,.0f} tokens/s"
            advance(progress.step, f"loss {progress.loss:.3f}, {pace}")

        return train_transformer(
            context.episodes,
            context.recipe,
            model_folder(context, TRANSFORMER),
            seed=context.seed,
            device=context.device,
            on_progress=on_progress,
            waiting=lambda: advance(0, "another process trains it"),
            watch=watched(context, make_agent),
        )


def _time_step(context: Context) -> Pace:
    """Time steps of training, and the measuring of held-out episodes that it does."""
    recipe, device = context.recipe, context.device
    bins, layout, data = fit_bins(context.episodes, recipe)
    fitted, held_out = split(data, recipe.chunk)
    config = train_config(recipe, layout, windows=len(fitted.tokens), seed=0)
    config = _trial(config, config.precision, device)
    model = new_model(model_config(recipe, layout, bins), seed=0).to(device)
    train = partial(tt_model.train, model, fitted, device=device)
    step = time_steps(partial(train, config))
    if held_out is None:
        return Pace(step)
    # not compiled, which would take longer than what is timed
    short = attrs.evolve(
        config, steps=2, steps_per_epoch=2, report_every=1, compile=False
    )
    both = time_last(partial(train, short, held_out=held_out))
    return Pace(step, RECORDS * max(0.0, both - step))


def _seconds(context: Context, peak: float) -> float:
    seen = context.episodes
    width = seen.observations.shape[1] + seen.actions.shape[1] + 2
    return training_operations(context.recipe, width) / (_SHARE * peak)


TRANSFORMER = Network(
    "transformer",
    _MODEL,
    ("discount", "chunk", "termination_reward", "tokenizer", "model", "training"),
    "training",
    lambda _: None,
    _time_step,
    _seconds,
)
