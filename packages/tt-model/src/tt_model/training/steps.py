"""One step of training: the batch it reads and the update it makes.

Both are functions of the seed and the number of the step, so a run can continue from
any step without remembering how its generators stood.
"""

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from tt_model._transformer import TrajectoryTransformer
from tt_model.training.config import TrainConfig
from tt_model.training.data import (
    Batch,
    Sequences,
    Shuffle,
    disjoint_starts,
    gather,
    make_windows,
)
from tt_model.training.loss import next_token_loss, position_losses
from tt_model.training.optimizer import (
    Schedule,
    learning_rate,
    make_optimizer,
    set_learning_rate,
)

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Batches:
    """Draw the batches of a run, this device's share of each."""

    def __init__(
        self, data: Sequences, vocabulary: int, config: TrainConfig, fabric: "Fabric"
    ) -> None:
        """Put the data on the device."""
        self._config, self._fabric = config, fabric
        self._windows = make_windows(data, vocabulary, fabric.device)
        self._shuffle = Shuffle(config.seed, self._windows.size, fabric.device)

    @property
    def count(self) -> int:
        """The number of windows, one of which begins at each transition."""
        return self._windows.size

    def batch(self, step: int) -> Batch:
        """Return the windows of a step."""
        size = self._config.batch
        starts = self._shuffle.take(step * size, size)
        share = starts[self._fabric.global_rank :: self._fabric.world_size]
        return gather(self._windows, share, self._config.transitions)


class HeldOut:
    """Hold held-out sequences, cut into windows that do not overlap."""

    def __init__(
        self, data: Sequences, vocabulary: int, config: TrainConfig, fabric: "Fabric"
    ) -> None:
        """Put the data on the device."""
        self._config = config
        self._windows = make_windows(data, vocabulary, fabric.device)
        starts = torch.from_numpy(disjoint_starts(data, config.transitions)).to(
            fabric.device
        )
        self._shares = torch.split(starts, config.batch)

    def losses(self, learner: "Learner") -> tuple[float, ...]:
        """Return the mean negative log-likelihood [P] of the recorded tokens."""
        length = self._config.transitions
        batches = (gather(self._windows, s, length, stops=False) for s in self._shares)
        learner.module.eval()
        losses = position_losses(learner.module, batches, self._windows.tokens.shape[1])
        learner.module.train()
        return tuple(losses.tolist())


class Learner:
    """Hold a model and its optimizer, and update the one with the other."""

    def __init__(
        self,
        model: TrajectoryTransformer,
        config: TrainConfig,
        schedule: Schedule,
        fabric: "Fabric",
    ) -> None:
        """Move the model to the device and build its optimizer."""
        self._config, self._fabric = config, fabric
        self.schedule = schedule
        self.model = model.to(fabric.device)
        self.optimizer = make_optimizer(
            model, betas=config.betas, weight_decay=config.weight_decay
        )
        weights = config.weights(model.config.transition)
        self._weights = torch.tensor(weights, device=fabric.device)
        compiled = cast(nn.Module, torch.compile(model)) if config.compile else model
        self.module, self._stepper = fabric.setup(compiled, self.optimizer)
        self.module.train()

    def update(self, batch: Batch, step: int) -> Tensor:
        """Take a step down the gradient of a batch and return its loss, a scalar."""
        set_learning_rate(self.optimizer, learning_rate(step, self.schedule))
        self._seed(step)
        logits = self.module(batch.inputs)
        loss = next_token_loss(logits, batch.targets, self._weights)
        self._fabric.backward(loss)
        clip_grad_norm_(self.model.parameters(), self._config.gradient_norm)
        self._stepper.step()
        self._stepper.zero_grad()
        return loss.detach()

    def _seed(self, step: int) -> None:
        """Seed dropout for a step on this device."""
        parts = self._config.seed, step, self._fabric.global_rank
        torch.manual_seed(int(np.random.SeedSequence(parts).generate_state(1)[0]))
