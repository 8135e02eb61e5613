"""Where training runs: a Fabric for one device, without its messages on the screen."""

import logging
from typing import TYPE_CHECKING

import torch

from tt_model._train_config import Precision

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def make_fabric(device: torch.device, precision: Precision) -> "Fabric":
    """Build a Fabric for one device that says nothing but errors."""
    # importing it takes seconds, which using a trained model need not wait for
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    logger = logging.getLogger("lightning_fabric")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        index = [device.index or 0] if device.type == "cuda" else 1
        return Fabric(
            accelerator=device.type,
            devices=index,
            precision=precision,
            plugins=[LightningEnvironment()],  # one process, also within a cluster
        )
    finally:
        logger.setLevel(level)
