"""A network in one file: its parameters, and its configuration in the header."""

from os import PathLike
from pathlib import Path

import attrs
import torch

from tt_model import _files
from tt_model._config import TransformerConfig
from tt_model._transformer import TrajectoryTransformer

KEYS = _files.Keys(kind="kind", facts="content")
_KIND = "tt-model model"


def save(model: TrajectoryTransformer, path: str | PathLike[str]) -> None:
    """Write a model's parameters and configuration to one safetensors file.

    The file is complete or absent: it is written under another name, then moved. Its
    folder is made if needed.
    """
    content = attrs.asdict(model.config)
    _files.write(Path(path), _KIND, model.state_dict(), content, keys=KEYS)


def load(
    path: str | PathLike[str], *, device: str | torch.device = "cpu"
) -> TrajectoryTransformer:
    """Read a model that `save` wrote, in evaluation mode; no code in it is executed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is truncated, unknown, or contradicts itself, or the
            path is a folder's.
    """
    tensors, content = _files.read(Path(path), _KIND, keys=KEYS)
    try:
        config = TransformerConfig(**content)
        with torch.random.fork_rng(devices=[]):
            model = TrajectoryTransformer(config)
        model.load_state_dict(tensors)
    except (TypeError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"{path} does not hold a model that this tt-model can build: {error}"
        ) from error
    return model.to(device).eval()
