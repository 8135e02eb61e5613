"""What a decoder chooses by itself."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tt_model import Decoder, TrajectoryTransformer, TransformerConfig
from tt_model.cache.ring import RingCache
from tt_model.cache.shared import SharedCache


def make(device: str = "cpu") -> TrajectoryTransformer:
    config = TransformerConfig(vocabulary=7, transition=5, layers=2, heads=2, width=16)
    return TrajectoryTransformer(config).eval().to(device)


def tokens(rows: int, length: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 8, (rows, length), generator=generator)


@pytest.mark.parametrize(
    ("device", "cache"), [("cpu", SharedCache), ("meta", RingCache)]
)
def test_the_device_of_the_network_chooses_the_cache(
    device: str, cache: type[Any]
) -> None:
    assert isinstance(Decoder(make(device))._cache, cache)


def test_an_unknown_cache_is_refused() -> None:
    unknown: Any = "paged"
    with pytest.raises(ValueError, match=r"among \['shared', 'ring'\].*got 'paged'"):
        Decoder(make(), cache=unknown)


def test_buffers_are_reused_between_plans() -> None:
    decoder = Decoder(make(), cache="shared")
    assert isinstance(decoder._cache, SharedCache)
    free = decoder._cache.pool._free

    def walk() -> None:
        _, state = decoder.start(tokens(2, 7))
        state = decoder.select(state, torch.arange(2).repeat_interleave(4))
        for t in range(12):
            _, state = decoder.step(tokens(8, 1, seed=t)[:, 0], state)
            state = decoder.select(state, torch.arange(8).flip(0))

    walk()
    held = {key: len(buffers) for key, buffers in free.items()}
    walk()
    assert held
    assert {key: len(buffers) for key, buffers in free.items()} == held
