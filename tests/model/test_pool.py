"""Buffers are kept for the next plan, and never more than a plan needs."""

import os
import resource
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tt_model import Decoder, TrajectoryTransformer, TransformerConfig
from tt_model._config import Positions
from tt_model.cache.levels import Pool
from tt_model.cache.shared import SharedCache

SPARE = 1.5  # times what a plan needs


def model(positions: Positions = "rotary") -> TrajectoryTransformer:
    torch.manual_seed(0)
    return TrajectoryTransformer(
        TransformerConfig(
            5, 4, layers=2, heads=2, width=16, positions=positions, window=3, span=3
        )
    )


def plan(decoder: Decoder, rows: int, beam: int, steps: int = 14) -> None:
    """Do with a decoder what a search does."""
    draws = torch.Generator().manual_seed(rows)
    prefix = torch.randint(0, 5, (rows, 6), generator=draws)
    _, state = decoder.start(prefix)
    state = decoder.select(state, torch.arange(rows).repeat_interleave(beam))
    for step in range(steps):
        tokens = torch.randint(0, 5, (state.rows,), generator=draws)
        _, state = decoder.step(tokens, state)
        if step % 4 == 3:  # a cut
            kept = torch.randint(0, beam, (rows, beam), generator=draws)
            kept += beam * torch.arange(rows)[:, None]
            state = decoder.select(state, kept.flatten())


def pool(decoder: Decoder) -> Pool:
    cache = decoder._cache
    assert isinstance(cache, SharedCache)
    return cache.pool


def held(decoder: Decoder) -> int:
    return pool(decoder).used + pool(decoder).spare


@pytest.mark.parametrize("positions", ["rotary", "learned"])
@pytest.mark.parametrize("order", [range(20, 0, -1), range(1, 21)])
def test_plans_of_many_sizes_keep_no_more_than_the_largest(
    positions: Positions, order: range
) -> None:
    alone, every = Decoder(model(positions)), Decoder(model(positions))
    plan(alone, 20, 8)
    for rows in order:
        plan(every, rows, 8)
    assert held(every) <= SPARE * held(alone)
    assert pool(every).used == 0


def test_many_plans_of_changing_shapes_keep_memory_flat() -> None:
    decoder, draws = Decoder(model()), torch.Generator().manual_seed(1)
    most: list[int] = []
    for _ in range(200):
        rows, beam, steps = (
            int(torch.randint(1, n, (), generator=draws)) for n in (6, 9, 13)
        )
        plan(decoder, rows, beam, steps)
        most.append(held(decoder))
    assert max(most[100:]) <= 1.05 * max(most[:100])
    alone = Decoder(model())
    plan(alone, 5, 8, 12)
    assert max(most) <= 1.1 * SPARE * held(alone)


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_the_same_plan_again_allocates_nothing(
    positions: Positions, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = Decoder(model(positions))
    for _ in range(2):  # the first one learns how much a plan needs
        plan(decoder, 3, 8)
    made: list[object] = []
    take = Pool.take

    def count(pool: Pool, shape: tuple[int, ...], like: Tensor) -> Tensor:
        known = {id(b) for free in pool._free.values() for b in free}
        buffer = take(pool, shape, like)
        made.extend([] if id(buffer) in known else [shape])
        return buffer

    monkeypatch.setattr(Pool, "take", count)
    for _ in range(3):
        plan(decoder, 3, 8)
    assert made == []


def test_the_oldest_shape_goes_first() -> None:
    made, like = Pool(), torch.zeros(0)
    first, second = made.take((100,), like), made.take((60,), like)
    made.give(first)
    made.give(second)
    made.give(made.take((100,), like))  # is the newest by now
    assert (made.used, made.spare) == (0, 640)
    third = made.take((80,), like)
    assert (made.used, made.spare) == (320, 640)  # as many as may be: 1.5 * 640
    fourth = made.take((50,), like)
    assert (made.used, made.spare) == (520, 400)  # the 60 are gone
    made.give(third)
    made.give(fourth)
    assert made.take((100,), like) is first
    assert (made.used, made.spare) == (400, 520)


@pytest.mark.skipif("SOAK" not in os.environ, reason="minutes; set SOAK to run it")
def test_ten_thousand_plans_of_changing_shapes_keep_the_process_flat() -> None:
    decoder, draws = Decoder(model()), torch.Generator().manual_seed(1)

    def soak(count: int) -> float:
        for _ in range(count):
            rows, beam, steps = (
                int(torch.randint(1, n, (), generator=draws)) for n in (6, 9, 13)
            )
            plan(decoder, rows, beam, steps)
        return resident()

    early = soak(1000)
    assert soak(9000) <= early + 20e6


def resident() -> float:
    """Return the bytes of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return float(pages * resource.getpagesize())
