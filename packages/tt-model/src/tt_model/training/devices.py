"""Where training runs: a Fabric for one device, without its messages on the screen."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from tt_model.training.config import Precision

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
            precision="32-true" if precision == "tf32" else precision,
            plugins=[LightningEnvironment()],  # one process, also within a cluster
        )
    finally:
        logger.setLevel(level)


@contextmanager
def matmuls(precision: Precision) -> Iterator[None]:
    """Round the factors of float32 matmuls while it lasts, if the precision says so."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else before)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
