"""What a decoder chooses by itself."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tt_model import Decoder, TrajectoryTransformer, TransformerConfig
from tt_model.cache import compiled, ring_step
from tt_model.cache.library import load_library


def make(dtype: torch.dtype = torch.float32) -> TrajectoryTransformer:
    config = TransformerConfig(vocabulary=7, transition=5, layers=2, heads=2, width=16)
    return TrajectoryTransformer(config).eval().to(dtype)


def tokens(rows: int, length: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 8, (rows, length), generator=generator)


@pytest.mark.parametrize(
    ("dtype", "plain", "expected"),
    [
        (torch.float32, False, compiled.step),
        (torch.float64, False, compiled.step),
        (torch.bfloat16, False, ring_step.step),
        (torch.float32, True, ring_step.step),
    ],
)
def test_what_a_step_runs_in_follows_from_the_network(
    dtype: torch.dtype, plain: bool, expected: Any
) -> None:
    if expected is compiled.step and load_library() is None:
        pytest.skip("there is no compiler")
    decoder = Decoder(make(dtype), plain=plain)
    _, state = decoder.start(tokens(2, 7))
    assert decoder._cache._choose_step(state) is expected


def test_plain_must_be_a_boolean() -> None:
    neither: Any = "ring"
    with pytest.raises(ValueError, match="expected plain to be True or False, got"):
        Decoder(make(), plain=neither)
