"""What a decoder chooses by itself."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tt_model import Decoder, TrajectoryTransformer, TransformerConfig
from tt_model._config import Positions
from tt_model.cache import compiled, ring_step
from tt_model.cache.library import load_library


def make(
    dtype: torch.dtype = torch.float32,
    positions: Positions = "rotary",
    window: int = 3,
) -> TrajectoryTransformer:
    config = TransformerConfig(
        7, 5, layers=2, heads=2, width=16, positions=positions, window=window, span=3
    )
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


def plan(decoder: Decoder, rows: int, beam: int) -> None:
    """Do with a decoder what a search does, across many windows."""
    _, state = decoder.start(tokens(rows, 7))
    state = decoder.select(state, torch.arange(rows).repeat_interleave(beam))
    for step in range(40):
        _, state = decoder.step(tokens(rows * beam, 1, seed=step)[:, 0], state)
        state = decoder.select(state, torch.arange(rows * beam).flip(0))


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_buffers_serve_the_next_plan_and_no_other_shapes_are_kept(
    positions: Positions,
) -> None:
    decoder = Decoder(make(positions=positions))
    rings = decoder._cache._rings
    for rows in (1, 3, 2, 2):
        plan(decoder, rows, 8)
    held = {ring.keys.data_ptr() for ring in rings}
    for _ in range(3):
        plan(decoder, 2, 8)
        assert {ring.keys.data_ptr() for ring in rings} == held
    assert {ring.keys.shape[2] for ring in rings} == {17}
    assert len(held) == (1 if positions == "rotary" else 2)
    assert not any(ring.states for ring in rings)


@pytest.mark.parametrize("plain", [False, True])
def test_rows_are_written_over_what_no_row_reads_any_more(plain: bool) -> None:
    """A search that goes on with one row of many needs room for few tokens of all."""
    beam, decoder = 16, Decoder(make(window=30), plain=plain)
    _, state = decoder.start(tokens(1, 7))
    state = decoder.select(state, torch.zeros(beam, dtype=torch.long))
    state.keys.fill_(torch.nan)
    for step in range(90):
        _, state = decoder.step(tokens(beam, 1, seed=step)[:, 0], state)
        state = decoder.select(state, torch.zeros(beam, dtype=torch.long))
    written = (~state.keys[0, :, :, 0].isnan()).sum()
    assert written < 90 + 10 * beam  # of 80 * 16 that were stored
