"""What rows have in common is read once, and every row is found again."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tt_model import Decoder, State, TrajectoryTransformer, TransformerConfig
from tt_model.cache.prefixes import find_prefixes

SIZE = 3  # tokens of a transition


@given(
    rows=st.integers(1, 9),
    length=st.integers(1, 8),
    least=st.integers(1, 4),
    padded=st.booleans(),
    seed=st.integers(0, 99),
)
def test_prefixes_spell_out_the_rows(
    rows: int, length: int, least: int, padded: bool, seed: int
) -> None:
    tokens = torch.randint(
        0, 2, (rows, length), generator=torch.Generator().manual_seed(seed)
    )
    if padded:
        tokens[0, : length // 2] = -1
    found = find_prefixes(tokens, least=least)
    spelled = found.begun
    for parents, further in found.rest:
        spelled = torch.cat([spelled[parents], further[:, None]], 1)
        assert len(spelled) == len({tuple(row) for row in spelled.tolist()})
    assert torch.equal(spelled[found.rows], tokens)
    assert found.begun.shape[1] >= int((tokens < 0).sum(1).max())


@pytest.mark.parametrize("plain", [False, True])
def test_a_window_that_starts_anew_is_read_once_a_prefix(
    plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TransformerConfig(
        5, SIZE, layers=2, heads=2, width=16, positions="learned", window=3, span=3
    )
    torch.manual_seed(0)
    model = TrajectoryTransformer(config).eval().double()
    decoder, history = Decoder(model, plain=plain), torch.ones(1, 2 * SIZE).long()
    read: list[int] = []
    go_on = decoder._cache._go_on

    def count(tokens: Tensor, state: State) -> tuple[Tensor, State]:
        read.append(len(tokens))
        return go_on(tokens, state)

    monkeypatch.setattr(decoder._cache, "_go_on", count)
    _, state = decoder.start(history)
    state = decoder.select(state, torch.zeros(32, dtype=torch.int64))
    history = history.expand(32, -1)
    for step in range(SIZE):  # the rows part with the last two tokens
        token = torch.arange(32) // 8 if step == SIZE - 2 else torch.arange(32) % 3
        token = token * int(step > 0)
        history = torch.cat([history, token[:, None]], 1)
        logits, state = decoder.step(token, state)
    torch.testing.assert_close(logits, model.next_logits(history))
    assert read == [32, 32, 4, 12]
