"""Devices that can be computed on here, found out before anything is."""

import torch


def usable_device(device: str | torch.device) -> torch.device:
    """Return a device that tensors can be put on.

    Raises:
        ValueError: If torch has no such device here.
    """
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen).fill_(0)
        usable = chosen.type != "meta"  # where numbers are not kept
    except (AssertionError, NotImplementedError, RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"expected a device that torch can use here, got {device!r} ({reason}); "
            "give 'cpu', or install a torch that was built for this device"
        ) from error
    if not usable:
        raise ValueError(f"expected a device that holds numbers, got {device!r}")
    return chosen
