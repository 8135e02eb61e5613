"""Devices that can be computed on here, found out before anything is."""

import torch

from tt_bench.files import first_line


def check_device(device: str | torch.device) -> None:
    """Compute something on a device.

    Raises:
        ValueError: torch can't, because there is none or it only pretends to compute.
    """
    try:
        torch.ones(1, device=torch.device(device)).add(1).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = first_line(error)  # NotImplementedError is a RuntimeError
        raise ValueError(
            f"expected a device that torch can use, got {device!r} ({reason}); "
            "cpu always works"
        ) from error
