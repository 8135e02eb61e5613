"""The cached path equals the full pass, whatever was shared, dropped or padded."""

import pytest
import torch
from torch import Tensor

from tt_model import TrajectoryTransformer, TransformerConfig
from tt_model._config import Positions
from tt_model.cache import ring


@pytest.fixture(autouse=True, params=["shared", "indexed"])
def cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with the processor's cache and with that of other devices."""
    monkeypatch.setattr(ring, "suits", lambda device: request.param == "indexed")


SCHEMES: tuple[Positions, ...] = ("rotary", "learned")


def make(
    positions: Positions, *, window: int = 3, seed: int = 0
) -> TrajectoryTransformer:
    """Build a small random model whose logits spread widely."""
    torch.manual_seed(seed)
    config = TransformerConfig(
        vocabulary=7, transition=5, layers=3, heads=2, width=16,
        positions=positions, window=window, span=4,
    )  # fmt: skip
    model = TrajectoryTransformer(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def tokens(rows: int, length: int, seed: int = 1) -> Tensor:
    """Draw tokens, stop tokens among them."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 8, (rows, length), generator=generator)


@pytest.mark.parametrize("positions", SCHEMES)
def test_steps_equal_the_full_pass_over_400_tokens(positions: Positions) -> None:
    model, sequence = make(positions), tokens(2, 400)
    logits, state = model.start(sequence[:, :7])
    for t in range(7, 400):
        expected = model.next_logits(sequence[:, :t])
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
        logits, state = model.step(sequence[:, t], state)


@pytest.mark.parametrize("positions", SCHEMES)
@pytest.mark.parametrize("length", [1, 4, 5, 6, 14, 15, 16, 63])
def test_start_equals_the_full_pass_at_any_length(
    positions: Positions, length: int
) -> None:
    model, sequence = make(positions), tokens(3, length)
    logits, _ = model.start(sequence)
    torch.testing.assert_close(logits, model.next_logits(sequence))


@pytest.mark.parametrize("positions", SCHEMES)
def test_random_selects_equal_the_full_pass(positions: Positions) -> None:
    model, generator = make(positions), torch.Generator().manual_seed(3)
    history = tokens(2, 8)
    logits, state = model.start(history)
    for t in range(60):
        rows = history.shape[0]
        choice = t % 5
        if choice == 1:  # spread evenly
            picked = torch.arange(rows).repeat_interleave(3)
        elif choice == 3:  # cut within each half, or anything at all
            picked = torch.randint(0, rows, (4,), generator=generator)
            picked = picked.sort().values if t % 2 else picked
        else:
            picked = None
        if picked is not None:
            state, history = model.select(state, picked), history[picked]
        token = torch.randint(0, 8, (history.shape[0],), generator=generator)
        logits, state = model.step(token, state)
        history = torch.cat([history, token[:, None]], 1)
        torch.testing.assert_close(
            logits, model.next_logits(history), atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("positions", SCHEMES)
def test_left_padding_changes_nothing(positions: Positions) -> None:
    model = make(positions)
    short, long = tokens(1, 7), tokens(1, 17, seed=2)
    padded = torch.cat([torch.full((1, 10), -1), short], 1)
    both, state = model.start(torch.cat([padded, long]))
    alone, lone = model.start(short)
    torch.testing.assert_close(both[:1], alone)
    torch.testing.assert_close(model.next_logits(torch.cat([padded, long]))[:1], alone)
    state = model.select(state, torch.tensor([0, 0, 1, 1]))
    state = model.select(state, torch.tensor([1, 3]))
    for t in range(30):
        token = tokens(2, 1, seed=t)[:, 0]
        both, state = model.step(token, state)
        alone, lone = model.step(token[:1], lone)
        torch.testing.assert_close(both[:1], alone, atol=1e-4, rtol=1e-4)


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


@pytest.mark.parametrize("positions", SCHEMES)
def test_a_state_can_be_selected_twice(positions: Positions) -> None:
    model, sequence = make(positions), tokens(2, 13)
    _, state = model.start(sequence)
    results = []
    for token in (1, 2):
        spread = model.select(state, torch.tensor([0, 0, 1, 1]))
        for _ in range(9):
            logits, spread = model.step(torch.full((4,), token), spread)
        results.append(logits)
    full = torch.cat([sequence[[0, 0, 1, 1]], torch.full((4, 9), 1)], 1)
    torch.testing.assert_close(
        results[0], model.next_logits(full), atol=1e-4, rtol=1e-4
    )
    assert not torch.allclose(results[0], results[1])


def test_buffers_are_reused_between_plans() -> None:
    model = make("rotary")

    def walk() -> None:
        _, state = model.start(tokens(2, 7))
        state = model.select(state, torch.arange(2).repeat_interleave(4))
        for t in range(12):
            _, state = model.step(tokens(8, 1, seed=t)[:, 0], state)
            state = model.select(state, torch.arange(8).flip(0))

    walk()
    held = {key: len(free) for key, free in model.pool._free.items()}
    walk()
    assert {key: len(free) for key, free in model.pool._free.items()} == held


def test_a_step_with_a_wrong_number_of_tokens_is_refused() -> None:
    model = make("rotary")
    _, state = model.start(tokens(2, 7))
    with pytest.raises(ValueError, match="one token for each of the 2 rows"):
        model.step(torch.tensor([1]), state)
