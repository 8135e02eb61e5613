"""The cached path equals the full pass, whatever was shared, dropped or padded."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from tt_model import Decoder, TrajectoryTransformer, TransformerConfig

pytestmark = pytest.mark.parametrize("plain", [False, True])
SECOND: dict[str, Any] = {
    "inputs": "transition",
    "outputs": "relative",
    "per_position": True,
    "attending": 2,
}
NETWORKS: dict[str, dict[str, Any]] = {
    "rotary": {},
    "learned": {"positions": "learned"},
    "learned, per position": {
        "positions": "learned",
        "per_position": True,
        "attending": 1,
    },
    "transition, none masked": {"inputs": "transition", "masked": ()},
    "relative": {"outputs": "relative", "attending": 1},
    "second, two masked": SECOND | {"masked": (2, -1)},
}


def make(network: str, *, seed: int = 0) -> TrajectoryTransformer:
    """Build a small random model whose logits spread widely."""
    torch.manual_seed(seed)
    config = TransformerConfig(
        vocabulary=7, transition=5, layers=3, heads=2, width=16,
        window=3, span=4, **NETWORKS[network],
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


@pytest.mark.parametrize("network", NETWORKS)
def test_steps_equal_the_full_pass_over_400_tokens(network: str, plain: bool) -> None:
    model, sequence = make(network), tokens(2, 400)
    decoder = Decoder(model, plain=plain)
    logits, state = decoder.start(sequence[:, :7])
    full = model(sequence) if model.config.positions == "rotary" else None
    for t in range(7, 400):
        if full is None:
            expected = model.next_logits(sequence[:, :t])
        else:
            expected = full[:, t - 1]
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
        logits, state = decoder.step(sequence[:, t], state)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("length", [1, 4, 5, 6, 14, 15, 16, 63])
def test_start_equals_the_full_pass_at_any_length(
    network: str, length: int, plain: bool
) -> None:
    model, sequence = make(network), tokens(3, length)
    logits, _ = Decoder(model, plain=plain).start(sequence)
    torch.testing.assert_close(logits, model.next_logits(sequence))


@pytest.mark.parametrize("network", NETWORKS)
def test_random_selects_equal_the_full_pass(network: str, plain: bool) -> None:
    model, generator = make(network), torch.Generator().manual_seed(3)
    decoder, history = Decoder(model, plain=plain), tokens(2, 8)
    logits, state = decoder.start(history)
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
            state, history = decoder.select(state, picked), history[picked]
        token = torch.randint(0, 8, (history.shape[0],), generator=generator)
        logits, state = decoder.step(token, state)
        history = torch.cat([history, token[:, None]], 1)
        torch.testing.assert_close(
            logits, model.next_logits(history), atol=1e-4, rtol=1e-4
        )


@pytest.mark.parametrize("network", NETWORKS)
def test_left_padding_changes_nothing(network: str, plain: bool) -> None:
    model = make(network)
    decoder = Decoder(model, plain=plain)
    short, long = tokens(1, 7), tokens(1, 17, seed=2)
    padded = torch.cat([torch.full((1, 10), -1), short], 1)
    both, state = decoder.start(torch.cat([padded, long]))
    alone, lone = decoder.start(short)
    torch.testing.assert_close(both[:1], alone)
    torch.testing.assert_close(model.next_logits(torch.cat([padded, long]))[:1], alone)
    state = decoder.select(state, torch.tensor([0, 0, 1, 1]))
    state = decoder.select(state, torch.tensor([1, 3]))
    for t in range(30):
        token = tokens(2, 1, seed=t)[:, 0]
        both, state = decoder.step(token, state)
        alone, lone = decoder.step(token[:1], lone)
        torch.testing.assert_close(both[:1], alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_state_can_be_selected_twice(network: str, plain: bool) -> None:
    model, sequence = make(network), tokens(2, 13)
    decoder = Decoder(model, plain=plain)
    _, state = decoder.start(sequence)
    results = []
    for token in (1, 2):
        spread = decoder.select(state, torch.tensor([0, 0, 1, 1]))
        for _ in range(9):
            logits, spread = decoder.step(torch.full((4,), token), spread)
        results.append(logits)
    full = torch.cat([sequence[[0, 0, 1, 1]], torch.full((4, 9), 1)], 1)
    torch.testing.assert_close(
        results[0], model.next_logits(full), atol=1e-4, rtol=1e-4
    )
    assert not torch.allclose(results[0], results[1])


def test_a_decoder_reads_the_weights_of_the_moment(plain: bool) -> None:
    model, other = make("rotary"), make("rotary", seed=1)
    decoder, prefix = Decoder(model, plain=plain), tokens(2, 7)
    decoder.start(prefix)
    model.load_state_dict(other.state_dict())
    assert torch.equal(
        decoder.start(prefix)[0], Decoder(other, plain=plain).start(prefix)[0]
    )
    model.double()
    assert decoder.start(prefix)[0].dtype == torch.float64


def test_a_decoder_leaves_the_network_as_it_was(plain: bool) -> None:
    model = make("rotary").train()
    names, prefix = set(vars(model)), tokens(2, 7)
    fresh = copy.deepcopy(model)
    logits, _ = Decoder(model, plain=plain).start(prefix)
    assert model.training
    assert set(vars(model)) == names
    assert list(model.state_dict()) == list(fresh.state_dict())
    assert torch.equal(logits, Decoder(fresh.eval(), plain=plain).start(prefix)[0])


def test_decoders_of_one_network_do_not_disturb_each_other(plain: bool) -> None:
    model, sequence = make("rotary"), tokens(3, 20)
    decoders = [Decoder(model, plain=plain) for _ in range(2)]
    states = [d.start(sequence[:, :4])[1] for d in decoders]
    for t in range(4, 20):
        expected = model.next_logits(sequence[:, : t + 1])
        for i, decoder in enumerate(decoders):
            logits, states[i] = decoder.step(sequence[:, t], states[i])
            torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)


def test_a_step_with_a_wrong_number_of_tokens_is_refused(plain: bool) -> None:
    decoder = Decoder(make("rotary"), plain=plain)
    _, state = decoder.start(tokens(2, 7))
    with pytest.raises(ValueError, match="one token for each of the 2 rows"):
        decoder.step(torch.tensor([1]), state)


def test_a_prefix_without_tokens_is_refused(plain: bool) -> None:
    with pytest.raises(ValueError, match="expected integer tokens"):
        Decoder(make("rotary"), plain=plain).start(tokens(2, 0))
