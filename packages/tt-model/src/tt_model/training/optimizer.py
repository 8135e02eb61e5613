"""How parameters move: AdamW on two groups, and its learning rate over the steps."""

import math

import attrs
import torch
from torch import nn
from torch.optim import AdamW

_FUSED = frozenset({"cpu", "cuda", "mps", "xpu"})


@attrs.frozen
class Schedule:
    """Say how the learning rate rises and falls.

    Attributes:
        peak: The largest learning rate.
        warmup_steps: Steps of linear rise.
        decay_steps: The step from which on the rate is `final_fraction * peak`.
        final_fraction: What the cosine ends at, as a fraction of the peak.
    """

    peak: float
    warmup_steps: int
    decay_steps: int
    final_fraction: float


def matmul_weights(model: nn.Module) -> set[str]:
    """Name the parameters that activations are multiplied with.

    These are the parameters called `weight` with two or more axes whose module is not
    an embedding; biases, LayerNorms, embeddings and learned positions are not.
    """
    return {
        f"{prefix}.weight" if prefix else "weight"
        for prefix, module in model.named_modules()
        if not isinstance(module, nn.Embedding)
        for name, parameter in module.named_parameters(recurse=False)
        if name == "weight" and parameter.ndim >= 2
    }


def make_optimizer(
    model: nn.Module, *, betas: tuple[float, float], weight_decay: float
) -> AdamW:
    """Build AdamW with weight decay on the matmul weights alone."""
    decayed = matmul_weights(model)
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    groups = [
        {"params": [p for n, p in named if n in decayed], "weight_decay": weight_decay},
        {"params": [p for n, p in named if n not in decayed], "weight_decay": 0.0},
    ]
    fused = all(p.device.type in _FUSED for _, p in named)
    return AdamW([g for g in groups if g["params"]], betas=betas, fused=fused)


def learning_rate(step: int, schedule: Schedule) -> float:
    """Return the learning rate of a step, counted from 0.

    It rises linearly to the peak over the warm-up, then falls along half a cosine to
    `final_fraction` of the peak, where it stays. The paper's code lets the cosine fall
    to 0 and cuts it off at a tenth.
    """
    if step < schedule.warmup_steps:
        return schedule.peak * (step + 1) / schedule.warmup_steps
    length = max(1, schedule.decay_steps - schedule.warmup_steps)
    done = min(1.0, (step - schedule.warmup_steps) / length)
    cosine = 0.5 * (1.0 + math.cos(math.pi * done))
    floor = schedule.final_fraction
    return schedule.peak * (floor + (1.0 - floor) * cosine)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate
