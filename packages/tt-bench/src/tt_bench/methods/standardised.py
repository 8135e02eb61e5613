"""Networks that standardise numbers as those of the data are.

Axes: N rows of the data, B batch, D numbers of a row.
"""

from torch import Tensor, nn

_ADDED = 1e-3  # to a deviation
_SMALLEST_DEVIATION = 1e-6


class Standardised(nn.Module):
    """Hold mean and deviation of the data's observations."""

    mean: Tensor
    deviation: Tensor

    def keep_moments(self, data: Tensor) -> None:
        """Take them of the data [N, D]."""
        self.register_buffer("mean", data.mean(0))
        self.register_buffer("deviation", data.std(0, correction=0) + _ADDED)

    def standardise(self, observations: Tensor) -> Tensor:
        """Return observations [B, D] of mean 0 and deviation 1 in the data."""
        return (observations - self.mean) / self.deviation


class StandardisedEnds(nn.Module):
    """Hold mean and deviation of the data at either end of a network."""

    input_mean: Tensor
    input_deviation: Tensor
    target_mean: Tensor
    target_deviation: Tensor

    def keep_moments(self, inputs: Tensor, targets: Tensor) -> None:
        """Take them of the data: [N, D] each."""
        for name, data in (("input", inputs), ("target", targets)):
            deviation = data.std(0, correction=0).clamp_min(_SMALLEST_DEVIATION)
            self.register_buffer(f"{name}_mean", data.mean(0))
            self.register_buffer(f"{name}_deviation", deviation)
