"""Read checkpoints of the paper's released code."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from tt_model._config import TransformerConfig
from tt_model._model_file import check_tensors
from tt_model._transformer import TrajectoryTransformer

_NEEDED = ("tok_emb.weight", "pos_emb", "ln_f.weight", "head.weight")
_KINDS = ("weight", "bias")
_SAME = tuple(
    f"{layer}.{kind}"
    for layer in ("ln1", "ln2", "attn.proj", "mlp.0", "mlp.2")
    for kind in _KINDS
)
_JOINED = {
    f"attn.qkv.{kind}": tuple(f"attn.{n}.{kind}" for n in ("query", "key", "value"))
    for kind in _KINDS
}


def load_original(
    source: Path | str | Mapping[str, Tensor], *, heads: int = 4, window: int = 5
) -> TrajectoryTransformer:
    """Build a model from a state dict of the paper's code (arXiv 2106.02039).

    Args:
        source: The state dict, or a file that `torch.save` wrote of it; the file is
            read without executing code.
        heads: Attention heads, which a state dict does not tell.
        window: Transitions that the model reads while planning.

    Returns:
        The model in evaluation mode, with learned positions. Its logits are those
        of the original for the same tokens.

    Raises:
        ValueError: If the source is not such a state dict, naming what is missing
            or misshapen, and the file if it is one; or if its numbers are not finite.
    """
    if isinstance(source, Mapping):
        return _build(source, heads, window)
    path = Path(source)
    weights = _read(path)
    try:
        return _build(weights, heads, window)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _build(
    weights: Mapping[str, Tensor], heads: int, window: int
) -> TrajectoryTransformer:
    plain = {name: _plain(name, value) for name, value in weights.items()}
    config = _configure(plain, heads, window)
    translated = _translate(plain, config)
    check_tensors(translated, config)
    model = TrajectoryTransformer(config)
    model.load_state_dict(translated)
    return model.eval()


def _plain(name: object, value: object) -> Tensor:
    """Return the numbers of a name in float32; refuse what claims more than it has."""
    whole = isinstance(value, Tensor) and value.layout == torch.strided
    if not isinstance(name, str) or not isinstance(value, Tensor) or not whole:
        raise ValueError(
            "expected a state dict of names and their tensors; got "
            f"{type(value).__name__} under {name!r:.80}"
        )
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise ValueError(
            f"{name} claims the shape {list(value.shape)}, for which it has too few "
            "numbers: the file is damaged"
        )
    return value.float() if value.is_floating_point() else value


def _read(path: Path) -> Mapping[str, Tensor]:
    """Read a state dict without executing what the file says."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises half a dozen kinds
        weights = error
    if not isinstance(weights, Mapping):
        raise ValueError(
            f"{path} is not a state dict that can be read safely: expected a file "
            f"written by torch.save(model.state_dict(), ...); got {weights!r:.200}"
        )
    return weights


def _configure(
    weights: Mapping[str, Tensor], heads: int, window: int
) -> TransformerConfig:
    """Infer the shape of the model from the shapes of its weights."""
    missing = [name for name in _NEEDED if name not in weights]
    if missing:
        raise ValueError(
            f"expected a state dict of the original code; it lacks {missing} and has "
            f"{sorted(weights)[:8]}..."
        )
    transition, outputs, width = _shape(weights, "head.weight", 3)
    rows, _ = _shape(weights, "tok_emb.weight", 2)
    _, length, _ = _shape(weights, "pos_emb", 3)
    if rows != (outputs - 1) * transition + 1:
        raise ValueError(
            f"head.weight {list(weights['head.weight'].shape)} asks for "
            f"{(outputs - 1) * transition + 1} rows of tok_emb.weight; got {rows}"
        )
    matches = (re.match(r"blocks\.(\d{1,9})\.", name) for name in weights)
    return TransformerConfig(
        vocabulary=outputs - 1,
        transition=transition,
        layers=1 + max((int(found[1]) for found in matches if found), default=0),
        heads=heads,
        width=width,
        positions="learned",
        window=window,
        span=math.ceil(length / transition),
    )


def _translate(
    weights: Mapping[str, Tensor], config: TransformerConfig
) -> dict[str, Tensor]:
    """Rename the weights; query, key and value become one matrix."""
    kept = {name: weights[name] for name in weights if re.match("tok|ln_f|head", name)}
    kept = {name: weight for name, weight in kept.items() if "mask" not in name}
    positions = weights["pos_emb"]
    # the last index is never trained
    missing = config.span * config.transition - positions.shape[1]
    kept["pos_emb"] = pad(positions, (0, 0, 0, missing))
    for i in range(config.layers):
        block = _block(weights, f"blocks.{i}.")
        kept |= {f"blocks.{i}.{name}": weight for name, weight in block.items()}
    return kept


def _block(weights: Mapping[str, Tensor], place: str) -> dict[str, Tensor]:
    """Take the weights of a block, whose names begin with its place."""
    names = [*_SAME, *(name for parts in _JOINED.values() for name in parts)]
    missing = [place + name for name in names if place + name not in weights]
    if missing:
        raise ValueError(f"expected a whole state dict; it lacks {missing[:4]}")
    block = {name: weights[place + name] for name in _SAME}
    for name, parts in _JOINED.items():
        shapes = [weights[place + part].shape for part in parts]
        if len(set(shapes)) != 1 or not shapes[0]:
            raise ValueError(
                f"expected {', '.join(place + part for part in parts)} of one shape; "
                f"got {[list(shape) for shape in shapes]}"
            )
        block[name] = torch.cat([weights[place + part] for part in parts])
    return block


def _shape(weights: Mapping[str, Tensor], name: str, axes: int) -> torch.Size:
    """Return a shape of so many axes, none of them empty."""
    shape = weights[name].shape
    if len(shape) != axes or 0 in shape:
        raise ValueError(f"{name} must have {axes} axes; its shape is {list(shape)}")
    return shape
