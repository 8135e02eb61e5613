"""A file is a model only if its header, its tensors and its numbers agree."""

import json
import math
import tracemalloc
from pathlib import Path
from typing import Any, cast

import attrs
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from tt_model import (
    Decoder,
    Sequences,
    TrainConfig,
    TrajectoryTransformer,
    TransformerConfig,
    load,
    save,
    train,
)
from tt_model._model_file import parameter_shapes

CONFIG = TransformerConfig(5, 3, layers=2, heads=2, width=16, window=2, span=2)


def make(config: TransformerConfig = CONFIG) -> TrajectoryTransformer:
    torch.manual_seed(0)
    return TrajectoryTransformer(config).eval()


def rewrite(path: Path, tensors: dict[str, torch.Tensor], **changes: Any) -> None:
    """Write what an earlier version would have, with changes of the configuration."""
    content = json.dumps({**attrs.asdict(CONFIG), **changes})
    header = {"kind": "tt-model model", "version": "1", "content": content}
    save_file(tensors, path, metadata=header)


def wrapped(kind: str, model: TrajectoryTransformer) -> nn.Module:
    if kind == "compiled":
        return cast(nn.Module, torch.compile(model, backend="eager"))
    if kind == "parallel":
        return nn.DataParallel(model)
    return nn.DataParallel(wrapped("compiled", model))


WRAPPERS = pytest.mark.parametrize("kind", ["compiled", "parallel", "both"])


@WRAPPERS
def test_a_wrapped_model_is_saved_as_what_it_wraps(kind: str, tmp_path: Path) -> None:
    model = make()
    save(wrapped(kind, model), tmp_path / "wrapped.safetensors")
    save(model, tmp_path / "plain.safetensors")
    found, expected = (
        load_file(tmp_path / f"{name}.safetensors") for name in ("wrapped", "plain")
    )
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)
    assert load(tmp_path / "wrapped.safetensors").config == CONFIG


def sequences() -> Sequences:
    tokens = np.random.default_rng(0).integers(0, 5, (60, 3)).astype(np.uint8)
    return Sequences(tokens, np.arange(6, 61, 6), np.arange(10) % 2 == 0)


@WRAPPERS
def test_a_wrapped_model_is_trained_and_stepped(kind: str) -> None:
    config, first, second = TrainConfig(3, batch=4, transitions=2), make(), make()
    train(first, sequences(), config)
    train(wrapped(kind, second), sequences(), config)
    assert torch.equal(first.head.weight, second.head.weight)
    prefix = torch.tensor([[1, 2, 3, 4]])
    one, _ = Decoder(first).start(prefix)
    two, _ = Decoder(wrapped(kind, second)).start(prefix)
    assert torch.equal(one, two)


@pytest.mark.parametrize("wrong", [nn.Linear(2, 2), nn.DataParallel(nn.Linear(2, 2))])
def test_another_module_is_refused_at_once(wrong: nn.Module, tmp_path: Path) -> None:
    for use in (
        lambda: save(wrong, tmp_path / "m.safetensors"),
        lambda: train(wrong, sequences(), TrainConfig(3)),
        lambda: Decoder(wrong),
    ):
        with pytest.raises(ValueError, match="expected a TrajectoryTransformer"):
            use()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_a_model_comes_back_in_its_precision(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    path, model = tmp_path / "m.safetensors", make().to(dtype)
    save(model, path)
    loaded = load(path)
    assert {p.dtype for p in loaded.parameters()} == {dtype}
    for one, other in zip(model.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_float64_model_is_trained_in_it() -> None:
    model = make().double()
    train(model, sequences(), TrainConfig(3, batch=4, transitions=2))
    assert {p.dtype for p in model.parameters()} == {torch.float64}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"positions": "learned"},
        {"inputs": "transition", "outputs": "relative"},
        {"per_position": True, "attending": 1},
        {"per_position": True, "attending": 2, "layers": 4},
    ],
)
@pytest.mark.parametrize("layers", [1, 3])
def test_shapes_are_told_without_a_model(layers: int, settings: dict[str, Any]) -> None:
    config = attrs.evolve(CONFIG, **{"layers": layers, **settings})
    layers = config.layers
    expected = {n: t.shape for n, t in make(config).state_dict().items()}
    assert parameter_shapes(config, layers) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"layers": 10**6},
        {"layers": 3},
        {"layers": 1},
        {"width": 10**9},
        {"width": 10**18},
        {"transition": 10**9},
        {"vocabulary": 60_000},
        {"positions": "learned"},
        {"positions": "learned", "span": 10**15},
        {"heads": math.inf},
        {"masked": 3},
        {"masked": [[1]]},
        {"dropout": "much"},
        {"window": None},
        {"inputs": "transition"},
        {"inputs": "transition", "width": 10**9},
        {"outputs": "relative"},
        {"outputs": "ratio"},
        {"per_position": True},
        {"per_position": "yes"},
        {"attending": 1},
        {"attending": 0},
        {"attending": 3},
        {"attending": 0.5},
    ],
)
def test_a_header_is_compared_with_the_tensors_before_memory_is_taken(
    change: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "m.safetensors"
    rewrite(path, make().state_dict())
    load(path)
    rewrite(path, make().state_dict(), **change)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"m\.safetensors does not hold a model"):
        load(path)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


def test_tensors_that_are_not_a_models_are_refused(tmp_path: Path) -> None:
    path, good = tmp_path / "m.safetensors", make().state_dict()
    name = "blocks.1.attn.qkv.weight"
    for bad, message in (
        (good[name].int(), "one floating-point type"),
        (good[name].double(), "one floating-point type"),
        (good[name] * math.nan, "not finite"),
        (good[name] * math.inf, "not finite"),
        (good[name].T.contiguous(), "must have shape"),
    ):
        rewrite(path, {**good, name: bad})
        with pytest.raises(ValueError, match=message):
            load(path)
    del good[name]
    rewrite(path, good)
    with pytest.raises(ValueError, match=f"tensors missing or unknown: {name}"):
        load(path)


def test_a_checkpoint_that_lacks_something_is_one_error(tmp_path: Path) -> None:
    path, config = tmp_path / "run.safetensors", TrainConfig(3, batch=4, transitions=2)
    train(make(), sequences(), config, checkpoint=path)
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
    del header["checksum"]  # as an earlier version wrote it
    tensors, content = load_file(path), json.loads(header["content"])
    for name in ("model.head.weight", "optimizer.exp_avg.head.weight", "losses"):
        kept = {key: t for key, t in tensors.items() if key != name}
        for wrong in (kept, {**kept, name: torch.zeros(1, 2, 3)}):
            save_file(wrong, path, metadata=header)
            with pytest.raises(ValueError, match=r"run\.safetensors"):
                train(make(), sequences(), config, checkpoint=path)
    for name in content:
        for odd in (None, [3], {"a": 1}, "much"):
            changed = json.dumps({**content, name: odd})
            save_file(tensors, path, metadata={**header, "content": changed})
            with pytest.raises(ValueError, match=r"run\.safetensors"):
                train(make(), sequences(), config, checkpoint=path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has what is said to be missing")
@pytest.mark.parametrize("device", ["cuda", "cuda:7", "nowhere", "meta", 3.5])
def test_a_device_that_is_not_there_is_one_error(device: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save(make(), path)
    with pytest.raises(ValueError, match="expected a device that"):
        load(path, device=device)
    with pytest.raises(ValueError, match="expected a device that"):
        train(make(), sequences(), TrainConfig(3), device=device)
