"""Read checkpoints of the paper's released code."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from tt_model._config import TransformerConfig
from tt_model._transformer import TrajectoryTransformer

_NEEDED = ("tok_emb.weight", "pos_emb", "ln_f.weight", "head.weight")
_MLP = ("mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias")


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
            or misshapen.
    """
    weights = source if isinstance(source, Mapping) else _read(Path(source))
    config = _configure(weights, heads, window)
    model = TrajectoryTransformer(config)
    model.load_state_dict(_translate(weights, config))
    return model.eval()


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
    transition, outputs, width = weights["head.weight"].shape
    rows, length = weights["tok_emb.weight"].shape[0], weights["pos_emb"].shape[1]
    if rows != (outputs - 1) * transition + 1:
        raise ValueError(
            f"head.weight {list(weights['head.weight'].shape)} asks for "
            f"{(outputs - 1) * transition + 1} rows of tok_emb.weight; got {rows}"
        )
    matches = (re.match(r"blocks\.(\d+)\.", name) for name in weights)
    return TransformerConfig(
        vocabulary=outputs - 1,
        transition=transition,
        layers=1 + max(int(found[1]) for found in matches if found),
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
    full = positions.new_zeros(1, config.span * config.transition, config.width)
    full[:, : positions.shape[1]] = positions  # the last index is never trained
    kept["pos_emb"] = full
    for i in range(config.layers):
        block = f"blocks.{i}."
        for kind in ("weight", "bias"):
            kept.update(
                {
                    f"{block}{ln}.{kind}": weights[f"{block}{ln}.{kind}"]
                    for ln in ("ln1", "ln2")
                }
            )
            parts = [
                weights[f"{block}attn.{p}.{kind}"] for p in ("query", "key", "value")
            ]
            kept[f"{block}attn.qkv.{kind}"] = torch.cat(parts)
            kept[f"{block}attn.proj.{kind}"] = weights[f"{block}attn.proj.{kind}"]
        kept.update({block + name: weights[block + name] for name in _MLP})
    return kept
