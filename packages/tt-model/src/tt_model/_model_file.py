"""A network in one file: its parameters, and its configuration in the header."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import attrs
import torch
from torch import Tensor, nn

from tt_model import _files
from tt_model._config import TransformerConfig
from tt_model._device import usable_device
from tt_model._transformer import TrajectoryTransformer, unwrap

KEYS = _files.Keys(kind="kind", facts="content")
_KIND = "tt-model model"
_TYPES = frozenset({torch.float32, torch.float64, torch.bfloat16, torch.float16})


def save(model: nn.Module, path: str | PathLike[str]) -> None:
    """Write a model's parameters and configuration to one safetensors file.

    The file is complete or absent: it is written under another name, then moved. Its
    folder is made if needed.

    Args:
        model: A TrajectoryTransformer, or what `torch.compile` or a parallel module
            made of one.
        path: Of the file.

    Raises:
        ValueError: If that is no such model, or the path is a folder's.
        OSError: If the file can't be written; the error names it.
    """
    network = unwrap(model)
    content = network.config.plain()
    _files.write(Path(path), _KIND, network.state_dict(), content, keys=KEYS)


def load(
    path: str | PathLike[str], *, device: str | torch.device = "cpu"
) -> TrajectoryTransformer:
    """Read a model that `save` wrote, in evaluation mode and in its precision.

    No code in the file is executed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated, altered, unknown, or contradicts itself,
            holds numbers that are not finite, or the path is a folder's; or if there
            is no such device.
        OSError: If the file can't be read; the error names it.
    """
    chosen = usable_device(device)
    tensors, content = _files.read(Path(path), _KIND, keys=KEYS)
    try:
        config = TransformerConfig(**content)
        dtype = check_tensors(tensors, config)
        with torch.random.fork_rng(devices=[]):
            model = TrajectoryTransformer(config).to(dtype)
        model.load_state_dict(tensors)
    except (ArithmeticError, TypeError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"{path} does not hold a model that this tt-model can build: {error}"
        ) from error
    return model.to(chosen).eval()


def parameter_shapes(config: TransformerConfig, layers: int) -> dict[str, torch.Size]:
    """Return the shapes of a model's parameters without making it, of so many layers.

    Layers that attend are alike, and those that do not: one of each tells all.
    """
    attending = min(layers, config.attending_layers)
    silent = layers - attending
    one = attrs.evolve(config, layers=1 + bool(silent), attending=1)
    with torch.device("meta"):
        small = TrajectoryTransformer(one).state_dict()
    shapes = {n: t.shape for n, t in small.items() if not n.startswith("blocks.")}
    for layer in range(layers):
        block = f"blocks.{int(bool(silent) and layer >= silent)}."
        for name in filter(lambda name: name.startswith(block), small):
            shapes[f"blocks.{layer}.{name.removeprefix(block)}"] = small[name].shape
    return shapes


def check_tensors(
    tensors: Mapping[str, Tensor], config: TransformerConfig
) -> torch.dtype:
    """Return the precision of what a model of this shape has, before there is one.

    Raises:
        ValueError: If something is missing, misshapen, of several types or not finite.
    """
    if config.layers > len(tensors):
        raise ValueError(f"{config.layers} layers, but {len(tensors)} tensors")
    shapes = parameter_shapes(config, config.layers)
    if tensors.keys() != shapes.keys():
        differ = sorted(tensors.keys() ^ shapes.keys())
        raise ValueError(f"tensors missing or unknown: {', '.join(differ[:4])}")
    for name, tensor in tensors.items():
        if tensor.shape != shapes[name]:
            raise ValueError(
                f"{name} must have shape {list(shapes[name])}, got {list(tensor.shape)}"
            )
    kinds = {tensor.dtype for tensor in tensors.values()}
    if len(kinds) != 1 or not kinds <= _TYPES:
        raise ValueError(
            f"one floating-point type expected, got {sorted(map(str, kinds))}"
        )
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise ValueError("parameters are not finite: its training diverged")
    return kinds.pop()
