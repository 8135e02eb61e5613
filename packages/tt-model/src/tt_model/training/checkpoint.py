"""A half-finished training run, on disk: one safetensors file (see `_files`)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from torch import Tensor, nn
from torch.optim import Optimizer

from tt_model import _files
from tt_model._model_file import KEYS

_KIND = "tt-model training checkpoint"


@attrs.frozen
class Checkpoint:
    """Hold everything that a training run continues from.

    The order of the windows and dropout are functions of the seed and the step, so no
    generator's state belongs to it.

    Attributes:
        step: Optimizer steps done.
        seconds: Time they took.
        settings: What the result of the run depends on, as nested plain values.
        history: Records of the epochs so far, as plain values.
        losses: Losses of the steps in the running epoch.
        cpu_seconds: Processor time of the steps.
    """

    step: int
    seconds: float
    settings: Mapping[str, Any]
    history: list[dict[str, Any]]
    losses: Tensor
    cpu_seconds: float = 0.0  # of earlier versions' files, which do not say


def write_checkpoint(
    path: Path, checkpoint: Checkpoint, model: nn.Module, optimizer: Optimizer
) -> None:
    """Write a checkpoint with the parameters and AdamW's state, replacing the last."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{key}.{name}"] = value
    tensors["losses"] = checkpoint.losses
    content = attrs.asdict(checkpoint, filter=lambda a, _: a.name != "losses")
    _files.write(path, _KIND, tensors, content, keys=KEYS)


def read_checkpoint(
    path: Path, settings: Mapping[str, Any], model: nn.Module, optimizer: Optimizer
) -> Checkpoint:
    """Read a checkpoint into a model and its optimizer.

    Raises:
        ValueError: If the file is truncated or unknown, or the run it belongs to
            differs in its settings or data.
    """
    tensors, content = _files.read(path, _KIND, keys=KEYS)
    try:
        _check_same(path, content["settings"], settings)
        return _restore(tensors, content, model, optimizer)
    except (AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise ValueError(
            f"{path} does not hold what a training run goes on from: {error}; delete "
            "it to begin anew"
        ) from error


def _restore(
    tensors: Mapping[str, Tensor],
    content: Mapping[str, Any],
    model: nn.Module,
    optimizer: Optimizer,
) -> Checkpoint:
    """Take a model and its optimizer to what a file holds."""
    state = {
        name.removeprefix("model."): value
        for name, value in tensors.items()
        if name.startswith("model.")
    }
    model.load_state_dict(state)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            optimizer.state[parameter] = {
                key: _moment(tensors, key, name, parameter)
                for key in ("step", "exp_avg", "exp_avg_sq")
            }
    found = Checkpoint(losses=tensors["losses"], **content)
    if type(found.step) is not int or found.step < 1:
        raise TypeError(f"it says step {found.step}")
    for seconds in (found.seconds, found.cpu_seconds):
        if not isinstance(seconds, float | int):
            raise TypeError(f"it says {seconds} seconds")
    return found


def _moment(
    tensors: Mapping[str, Tensor], key: str, name: str, parameter: Tensor
) -> Tensor:
    """Return what AdamW keeps of a parameter."""
    found = tensors[f"optimizer.{key}.{name}"]
    if found.shape != (() if key == "step" else parameter.shape):
        raise TypeError(f"{key} of {name} has shape {list(found.shape)}")
    return found.to(parameter.device)


def _check_same(path: Path, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to continue a run under other settings, naming each that differs."""
    old, new = _flatten(saved), _flatten(json.loads(json.dumps(now)))
    changed = [
        f"{name} was {old.get(name)}, is {new.get(name)}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if changed:
        raise ValueError(
            f"{path} belongs to another training run: {'; '.join(changed)}; give the "
            "settings it was begun with, or another checkpoint path"
        )


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Name nested settings by their path, joined with dots."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
