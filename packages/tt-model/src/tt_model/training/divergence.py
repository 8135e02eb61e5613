"""Notice that numbers have ceased to be finite, and say at which step."""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tt_model.training.config import TrainConfig
from tt_model.training.optimizer import learning_rate


def first_not_finite(losses: Tensor) -> int | None:
    """Return the index of the first loss [n] that is infinite or NaN; waits for it."""
    wrong = ~losses.isfinite()
    return int(wrong.int().argmax()) if bool(wrong.any()) else None


def are_finite(model: nn.Module, optimizer: Optimizer) -> bool:
    """Say whether all that the next step depends on is finite."""
    moments = (value for state in optimizer.state.values() for value in state.values())
    return _finite([*model.state_dict().values(), *moments])


def divergence(
    step: int, what: str, config: TrainConfig, windows: int, file: Path | None
) -> ValueError:
    """Describe that training ends with a step, counted from 1, for `what` is so."""
    rate = learning_rate(step - 1, config.schedule(windows))
    kept = f"; the last good checkpoint stays in {file}" if file else ""
    return ValueError(
        f"training diverged: at step {step} of {config.steps} {what}, with "
        f"learning_rate={config.learning_rate:g} ({rate:.3g} at that step), "
        f"gradient_norm={config.gradient_norm:g} and precision={config.precision!r}: "
        f"lower the learning rate, or raise warmup_steps{kept}"
    )


def _finite(tensors: Iterable[Tensor]) -> bool:
    answers = [t.isfinite().all() for t in tensors if t.is_floating_point()]
    return not answers or bool(torch.stack([a.cpu() for a in answers]).all())
