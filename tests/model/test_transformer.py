"""The network sees what it may see, and nothing else."""

import pytest
import torch
from torch import Tensor

from tt_model import TrajectoryTransformer, TransformerConfig
from tt_model._config import Positions

SCHEMES: tuple[Positions, ...] = ("rotary", "learned")


def make(positions: Positions) -> TrajectoryTransformer:
    """Build a small random model whose logits spread widely."""
    torch.manual_seed(0)
    config = TransformerConfig(
        vocabulary=7, transition=5, layers=3, heads=2, width=16,
        positions=positions, window=3, span=4,
    )  # fmt: skip
    model = TrajectoryTransformer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def tokens(rows: int, length: int) -> Tensor:
    """Draw tokens, stop tokens among them."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 8, (rows, length), generator=generator)


@pytest.mark.parametrize("positions", SCHEMES)
def test_a_masked_token_is_never_attended_to(positions: Positions) -> None:
    model, sequence = make(positions), tokens(1, 20)
    changed = sequence.clone()
    changed[:, 4::5] = (changed[:, 4::5] + 1) % 7
    logits, other = model(sequence)[0], model(changed)[0]
    at_value = torch.arange(20) % 5 == 4
    torch.testing.assert_close(logits[~at_value], other[~at_value])
    assert not torch.allclose(logits[at_value], other[at_value])


def test_the_future_is_never_attended_to() -> None:
    model, sequence = make("rotary"), tokens(1, 20)
    changed = sequence.clone()
    changed[:, 11] = (changed[:, 11] + 1) % 7
    logits, other = model(sequence)[0], model(changed)[0]
    torch.testing.assert_close(logits[:11], other[:11])
    assert not torch.allclose(logits[11:], other[11:])


def test_one_layer_forgets_what_left_the_window() -> None:
    torch.manual_seed(0)
    config = TransformerConfig(
        vocabulary=7, transition=5, layers=1, heads=2, width=16, window=2
    )
    model, sequence = TrajectoryTransformer(config).eval(), tokens(1, 20)
    changed = sequence.clone()
    changed[:, :5] = (changed[:, :5] + 1) % 7
    logits, other = model(sequence)[0], model(changed)[0]
    torch.testing.assert_close(logits[10:], other[10:])
    assert not torch.allclose(logits[5:10], other[5:10])
