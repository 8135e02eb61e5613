"""The compiled step computes what the plain operations define."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from tt_model import Decoder, TrajectoryTransformer, TransformerConfig
from tt_model.cache import compiled
from tt_model.cache.library import load_library

V, P = 11, 5
SHAPES: dict[str, dict[str, Any]] = {
    "heads of 32 features": {"width": 64, "heads": 2},
    "many heads": {"width": 96, "heads": 8},
    "an odd width": {"width": 20, "heads": 2},
    "learned": {"width": 64, "heads": 2, "positions": "learned"},
    "per position": {"width": 64, "heads": 2, "per_position": True},
    "second": {
        "width": 64,
        "heads": 2,
        "inputs": "transition",
        "outputs": "relative",
        "per_position": True,
        "attending": 1,
    },
}

pytestmark = pytest.mark.skipif(load_library() is None, reason="there is no compiler")


@pytest.fixture(params=[1, 3])
def threads(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    monkeypatch.setattr(compiled, "ROWS_OF_A_THREAD", 1)
    yield
    torch.set_num_threads(before)


def make(shape: str) -> TrajectoryTransformer:
    torch.manual_seed(0)
    config = TransformerConfig(V, P, layers=2, window=3, span=3, **SHAPES[shape])
    model = TrajectoryTransformer(config)  # dropout stays off in training mode too
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def walk(model: TrajectoryTransformer, *, plain: bool, rows: int) -> Tensor:
    """Return the logits of steps over several windows, rows chosen now and then."""
    decoder, draws = Decoder(model, plain=plain), torch.Generator().manual_seed(1)
    prefix = torch.randint(0, V, (3, 2 * P + 1), generator=draws)
    prefix[1, :P] = -1
    logits, state = decoder.start(prefix)
    found = []
    for step in range(4 * P):
        if step % 3 == 0:
            chosen = torch.randint(0, state.rows, (rows,), generator=draws)
            state = decoder.select(state, chosen)
        tokens = torch.randint(0, V + 1, (state.rows,), generator=draws)
        logits, state = decoder.step(tokens, state)
        found.append(logits)
    assert not logits.requires_grad
    return torch.stack(found)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [3, 290])
def test_logits_are_those_of_plain_operations(shape: str, rows: int) -> None:
    model = make(shape)
    single = [walk(model, plain=plain, rows=rows) for plain in (False, True)]
    torch.testing.assert_close(*single, atol=2e-5, rtol=2e-5)
    double = [walk(model.double(), plain=p, rows=rows) for p in (False, True)]
    torch.testing.assert_close(*double, atol=1e-11, rtol=1e-11)


def test_few_rows_are_read_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    counts = {rows: compiled._count_threads(rows) for rows in (1, 511, 512, 9_999)}
    assert counts == {1: 1, 511: 1, 512: 2, 9_999: 4}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("number", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("name", ["ln1.bias", "mlp.0.bias", "attn.proj.bias"])
def test_what_is_not_finite_is_so_in_the_same_places(
    dtype: torch.dtype, number: float, name: str
) -> None:
    model = make("heads of 32 features").to(dtype)
    dict(model.layers[1].named_parameters())[name].data[3] = number
    found = [walk(model, plain=plain, rows=9) for plain in (False, True)]
    assert torch.equal(found[0].isfinite(), found[1].isfinite())
    assert torch.equal(found[0].isnan(), found[1].isnan())


def test_a_row_that_is_not_finite_spoils_no_other() -> None:
    model = make("heads of 32 features")
    decoder = Decoder(model)
    _, state = decoder.start(torch.ones(4, P, dtype=torch.int64))
    dict(model.named_parameters())["tok_emb.weight"].data[0] = torch.nan
    logits, state = decoder.step(torch.tensor([0, 1, 2, 3]), state)
    logits, _ = decoder.step(torch.tensor([1, 1, 1, 1]), state)
    assert logits[0].isnan().all()
    assert logits[1:].isfinite().all()
