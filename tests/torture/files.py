"""Files of every format that is read, how they are made, and what comes of reading."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import h5py
import numpy as np
import torch

import tt_bench
import tt_critic
import tt_model
import tt_tokenize
from torture import tiny
from tt_bench import TransformerAgent
from tt_bench.evaluation import OtherEpisodesError, ResumingAgent
from tt_critic import train_critic
from tt_model import TrainConfig, TrajectoryTransformer

CHECKSUMMED: frozenset[str] = frozenset(
    {"model", "critic", "tokenizer", "checkpoint", "critic's", "played"}
    | {"a run's tokenizer", "a run's critic", "a run's actor"}
)
"""Formats whose readers tell any other bytes from those that were written."""


@attrs.frozen
class Format:
    """Say how a file is made and what reading it gives.

    Attributes:
        name: of the format.
        file: path below a folder.
        write: makes it in a folder.
        read: reads it in a folder; numbers, texts and arrays.
    """

    name: str
    file: str
    write: Callable[[Path], object]
    read: Callable[[Path], Any]


def _stop(progress: Any) -> None:
    if progress.step == 2:
        raise KeyboardInterrupt


def _train(path: Path, on_progress: Any = None) -> Any:
    config = TrainConfig(steps=4, batch=4, transitions=2, report_every=1)
    torch.manual_seed(0)
    model = TrajectoryTransformer(tiny.model().config)
    tt_model.train(
        model, tiny.sequences(), config, checkpoint=path, on_progress=on_progress
    )
    return model.state_dict()


def _train_critic(path: Path, on_progress: Any = lambda _: None) -> Any:
    config = attrs.evolve(tiny.IQL, steps=4)
    return train_critic(
        tiny.transitions(),
        config,
        checkpoint=path,
        on_progress=on_progress,
        report_every=1,
    ).networks


def _begin(train: Callable[[Path, Any], Any]) -> Callable[[Path], None]:
    def begin(path: Path) -> None:
        try:
            train(path, _stop)
        except KeyboardInterrupt:
            return

    return begin


def _original(path: Path) -> None:
    """Write the parameters of a small network under the original's names."""
    weights = dict(tiny.model("learned").state_dict())
    for name in [name for name in weights if ".qkv." in name]:
        parts = weights.pop(name).chunk(3)
        for kind, part in zip(("query", "key", "value"), parts, strict=True):
            weights[name.replace("qkv", kind)] = part.clone()
    torch.save(weights, path)


def _result(path: Path) -> None:
    result = tt_bench.RunResult(
        method="random",
        seed=0,
        environment={"id": "Slide-v0"},
        dataset={"name": "a", "source": "b", "transitions": 3, "episodes": 1},
        settings={"seed": 0},
        budget={"steps": 2, "minutes": 0.5},
        seconds={"train": 1.0},
        returns=[1.0, 2.0],
        lengths=[3, 4],
        successes=[True, False],
        scores=[1.0, 2.0],
        reference=[0.0, 1.0],
    )
    tt_bench.save_result(result, path)


def _read_result(path: Path) -> Any:
    result = tt_bench.load_result(path)
    tt_bench.tabulate([result])
    return attrs.asdict(result)


def _hdf5(path: Path) -> None:
    table = tiny.table()
    with h5py.File(path, "w") as file:
        file.attrs["env_id"] = "Pendulum-v1"
        file["observations"], file["actions"] = table[:, :2], table[:, 2:3]
        file["rewards"] = table[:, -2]
        file["terminals"], file["timeouts"] = np.zeros((2, len(table)), np.bool_)
        file["timeouts"][6] = True


def _read_hdf5(path: Path) -> Any:
    return attrs.astuple(tt_bench.read_hdf5(path).episodes)


_MINARI = "torture/slide-v0"


@contextmanager
def _cache(path: Path) -> Iterator[None]:
    """Let Minari's cache be the folder that a file of a dataset is in."""
    before = os.environ["MINARI_DATASETS_PATH"]
    os.environ["MINARI_DATASETS_PATH"] = str(path.parents[3])
    try:
        yield
    finally:
        os.environ["MINARI_DATASETS_PATH"] = before


def _minari(path: Path) -> None:
    notes = tt_bench.MinariNotes(reference=(0.0, 1.0))
    with _cache(path):
        tt_bench.write_minari(tiny.episodes(), _MINARI, notes)


def _read_minari(path: Path) -> Any:
    with _cache(path):
        dataset = tt_bench.read_minari(_MINARI)
    return attrs.astuple(dataset.episodes), dataset.reference, dataset.env_id


def _play(path: Path, steps: int) -> Any:
    """Go on playing from what was played, and return the actions."""
    try:
        return _play_on(path, steps)
    except OtherEpisodesError:  # as a run does
        path.unlink()
        return _play_on(path, steps)


def _play_on(path: Path, steps: int) -> Any:
    bounds = np.full(1, -1, np.float32), np.ones(1, np.float32)
    agent = TransformerAgent(
        tiny.bins(), tiny.LAYOUT, tiny.plan, context=2, low=bounds[0], high=bounds[1]
    )
    resuming = ResumingAgent(agent, path)
    resuming.start(2, 0)
    active, seen = np.ones(2, np.bool_), np.zeros((2, 2), np.float32)
    actions = []
    for _ in range(steps):
        actions.append(resuming.act(seen, active))
        resuming.observe(actions[-1], np.zeros(2, np.float32), active)
    if steps == 2:
        resuming.save()
    return actions


FORMATS = (
    Format(
        "model",
        "model.safetensors",
        lambda path: tt_model.save(tiny.model(), path),
        lambda path: _of_model(tt_model.load(path)),
    ),
    Format(
        "critic",
        "critic.safetensors",
        lambda path: tt_critic.save(tiny.critic(), path),
        lambda path: _of_critic(tt_critic.load(path)),
    ),
    Format(
        "tokenizer",
        "tokenizer.npz",
        lambda path: tt_tokenize.save(tiny.bins(), path),
        lambda path: _of_bins(tt_tokenize.load(path)),
    ),
    Format("checkpoint", "checkpoint.safetensors", _begin(_train), _train),
    Format("critic's", "critics.safetensors", _begin(_train_critic), _train_critic),
    Format(
        "original",
        "state_1.pt",
        _original,
        lambda path: _of_model(tt_model.load_original(path, heads=1, window=2)),
    ),
    Format("result", "random-seed0.json", _result, _read_result),
    Format("hdf5", "data.hdf5", _hdf5, _read_hdf5),
    Format("minari", f"{_MINARI}/data/main_data.hdf5", _minari, _read_minari),
    Format("metadata", f"{_MINARI}/data/metadata.json", _minari, _read_minari),
    Format("played", "tt.played.npz", lambda p: _play(p, 2), lambda p: _play(p, 4)),
)


def _of_model(model: TrajectoryTransformer) -> Any:
    tokens = torch.arange(7)[None] % tiny.BINS
    return model.state_dict(), attrs.asdict(model.config), model.next_logits(tokens)


def _of_critic(critic: tt_critic.Critic) -> Any:
    seen, done = torch.ones(2, tiny.OBSERVATION), torch.ones(2, tiny.ACTION)
    return critic.q(seen, done), critic.v(seen), critic.act(seen), critic.networks


def _of_bins(bins: tt_tokenize.Bins) -> Any:
    return type(bins).__name__, bins.edges, bins.middles, bins.encode(tiny.table())


def same(one: Any, other: Any) -> bool:
    """Say whether two contents are the same, NaN included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(same(*pair) for pair in pairs)
    if isinstance(one, torch.Tensor):
        one, other = one.numpy(), other.numpy()
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())
    return bool(one == other)
