"""Weight decay touches the matmul weights; the learning rate follows its schedule."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tt_model._config import Positions, TransformerConfig
from tt_model._transformer import TrajectoryTransformer
from tt_model.training.optimizer import (
    Schedule,
    learning_rate,
    make_optimizer,
    matmul_weights,
    set_learning_rate,
)


def make(positions: Positions) -> TrajectoryTransformer:
    return TrajectoryTransformer(
        TransformerConfig(5, 3, layers=1, heads=1, width=8, positions=positions)
    )


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_matmul_weights_are_the_projections_and_the_heads(positions: Positions) -> None:
    assert matmul_weights(make(positions)) == {
        "blocks.0.attn.qkv.weight",
        "blocks.0.attn.proj.weight",
        "blocks.0.mlp.0.weight",
        "blocks.0.mlp.2.weight",
        "head.weight",
    }


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_only_matmul_weights_shrink_when_there_is_no_gradient(
    positions: Positions,
) -> None:
    model = make(positions)
    for parameter in model.parameters():
        torch.nn.init.ones_(parameter)
        parameter.grad = torch.zeros_like(parameter)
    optimizer = make_optimizer(model, betas=(0.9, 0.95), weight_decay=0.1)
    set_learning_rate(optimizer, 0.5)
    optimizer.step()
    decayed = matmul_weights(model)
    for name, parameter in model.named_parameters():
        expected = 1 - 0.5 * 0.1 if name in decayed else 1.0
        torch.testing.assert_close(parameter, torch.full_like(parameter, expected))


def test_learning_rate_takes_the_values_worked_out_by_hand() -> None:
    schedule = Schedule(peak=2.0, warmup_steps=4, decay_steps=12, final_fraction=0.1)
    rates = [learning_rate(step, schedule) for step in (0, 1, 3, 4, 8, 12, 100)]
    assert rates == pytest.approx([0.5, 1.0, 2.0, 2.0, 1.1, 0.2, 0.2])
    quarter = 0.2 + 1.8 * 0.5 * (1 + math.cos(math.pi / 4))
    assert learning_rate(6, schedule) == pytest.approx(quarter)


@given(
    warmup=st.integers(0, 20),
    extra=st.integers(0, 50),
    final=st.floats(0.0, 1.0),
)
def test_learning_rate_rises_to_the_peak_then_falls_to_the_end(
    warmup: int, extra: int, final: float
) -> None:
    schedule = Schedule(1.0, warmup, warmup + extra, final)
    rates = [learning_rate(step, schedule) for step in range(warmup + extra + 3)]
    rising, falling = rates[:warmup], rates[warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert max(rates) == pytest.approx(1.0) or extra == 0
    assert rates[-1] == pytest.approx(final)
