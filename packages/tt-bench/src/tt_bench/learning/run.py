"""Train an entry with one seed on one thread, or find what it came to before."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import torch

from tt_bench.data import Dataset, chunk_episodes, describe, fingerprint
from tt_bench.interface import Notify, silent, working
from tt_bench.learning.entries import Entry
from tt_bench.learning.record import Learned, Point, read_learned, write_learned
from tt_bench.methods import (
    HELD_OUT_EVERY,
    TRANSFORMER,
    VERSIONS,
    Losses,
    Recipe,
    default_settings,
    recipe_for,
    train_transformer,
)
from tt_bench.results import Store
from tt_model import Progress

_POINTS = 20  # of a curve


def learn(
    dataset: Dataset,
    name: str,
    entry: Entry,
    seed: int,
    *,
    output: Path,
    notify: Notify = silent,
) -> Learned:
    """Train an entry with a seed, going on where it was stopped, or find it finished.

    Torch is held to one thread meanwhile. Of the dataset's recipe only the network and
    its training are replaced.

    Raises:
        ValueError: so few episodes that none is held out, or training diverges, or a
            file in the output folder is damaged.
    """
    _check(dataset)
    recipe = attrs.evolve(
        recipe_for(dataset.name), model=entry.model, training=entry.training
    )
    store = Store.of(output, dataset.name, default_settings(), VERSIONS)
    settings = _settings(dataset, recipe, seed)
    path = store.learning_path(name, settings)
    if not path.exists():
        with _one_thread():
            learned = _train(dataset, name, recipe, seed, path.with_suffix(""), notify)
        machine = {"platform": platform.platform(), "torch": torch.__version__}
        facts = {"dataset": describe(dataset), "settings": settings, "machine": machine}
        write_learned(path, learned, facts)
    return read_learned(path)


def _check(dataset: Dataset) -> None:
    count = len(dataset.episodes.ends)
    if count < HELD_OUT_EVERY:
        raise ValueError(
            f"expected at least {HELD_OUT_EVERY} episodes, of which one is held out, "
            f"{dataset.name} has {count}: choose another --dataset"
        )


def _settings(dataset: Dataset, recipe: Recipe, seed: int) -> dict[str, Any]:
    """Collect all that a curve depends on but the machine."""
    every = attrs.asdict(recipe)
    chosen = {name: every[name] for name in TRANSFORMER.parts if isinstance(name, str)}
    identity = {"name": dataset.name, "fingerprint": fingerprint(dataset)}
    return {"data": identity, "seed": seed, "points": _POINTS, **chosen}


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(
    dataset: Dataset, name: str, recipe: Recipe, seed: int, folder: Path, notify: Notify
) -> Learned:
    steps = recipe.training.steps
    with working(notify, f"{name} seed {seed}, training", steps) as advance:

        def on_progress(progress: Progress) -> None:
            advance(progress.step, f"loss {progress.loss:.3f}")

        trained = train_transformer(
            chunk_episodes(dataset.episodes, recipe.chunk),
            recipe,
            folder,
            seed=seed,
            device="cpu",
            records=_POINTS,
            on_progress=on_progress,
            waiting=lambda: advance(0, "another process trains it"),
        )
    size = recipe.training.batch * recipe.training.transitions * trained.layout.width
    curve = tuple(_point(losses, size) for losses in trained.losses)
    return Learned(name, seed, steps, curve)


def _point(losses: Losses, size: int) -> Point:
    """Turn losses into a point; a step predicts `size` tokens."""
    return Point(
        losses.step * size, losses.cpu_seconds, losses.seconds, dict(losses.held_out)
    )
