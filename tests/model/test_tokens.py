"""Tokens, padding and ends are right in whatever they come, or refused."""

from typing import Any

import numpy as np
import pytest
import torch

from tt_model import (
    Decoder,
    Sequences,
    TrainConfig,
    TrajectoryTransformer,
    TransformerConfig,
    train,
)
from tt_model._config import Positions
from tt_model.training.data import as_arrays, check_sequences, disjoint_starts


def make(positions: Positions = "rotary", **settings: int) -> TrajectoryTransformer:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"layers": 1, "heads": 2, "width": 16, "window": 3}
    config = TransformerConfig(5, 3, positions=positions, **{**sizes, **settings})
    return TrajectoryTransformer(config).eval()


WRONG: list[list[int]] = [
    [6, 0, 0, 0],
    [0, 0, 0, -2],
    [0, -1, 0, 0],
    [0, 0, 0, -1],
    [-1, 0, 0, 0],
    [-1, -1, 0, 0],
    [0, 0, 300, 0],
]


@pytest.mark.parametrize("row", WRONG)
@pytest.mark.parametrize("plain", [False, True])
def test_wrong_prefixes_are_refused(row: list[int], plain: bool) -> None:
    prefix, model = torch.tensor([[0, 1, 2, 3], row]), make()
    for read in (Decoder(model, plain=plain).start, model.next_logits, model):
        with pytest.raises(ValueError, match=r"expected (tokens|padding)"):
            read(prefix)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("wrong", [-1, 6, 99])
def test_wrong_steps_are_refused(wrong: int, plain: bool) -> None:
    decoder = Decoder(make(), plain=plain)
    _, state = decoder.start(torch.tensor([[0], [1]]))
    with pytest.raises(ValueError, match="expected tokens from 0 to 5"):
        decoder.step(torch.tensor([0, wrong]), state)
    with pytest.raises(ValueError, match="expected integer tokens"):
        decoder.step(torch.tensor([0.0, 1.0]), state)


@pytest.mark.parametrize("dtype", [torch.bool, torch.float32, torch.complex64])
def test_what_is_no_integer_is_refused(dtype: torch.dtype) -> None:
    for read in (Decoder(make()).start, make().next_logits, make()):
        with pytest.raises(ValueError, match="expected integer tokens"):
            read(torch.ones(1, 4, dtype=dtype))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.uint64]
)
def test_every_integer_type_is_read_alike(dtype: torch.dtype, plain: bool) -> None:
    decoder = Decoder(make(), plain=plain)
    prefix, tokens = torch.tensor([[0, 1, 2, 5]]), torch.tensor([4])
    expected, state = decoder.start(prefix)
    then, _ = decoder.step(tokens, state)
    found, state = decoder.start(prefix.to(dtype))
    later, _ = decoder.step(tokens.to(dtype), state)
    assert torch.equal(found, expected)
    assert torch.equal(later, then)
    network = make()
    assert torch.equal(network(prefix.to(dtype)), network(prefix))
    logits = network.next_logits(prefix)
    assert torch.equal(network.next_logits(prefix.to(dtype)), logits)


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_padding_with_whole_transitions_is_read(positions: Positions) -> None:
    model = make(positions)
    padded = torch.tensor([[0, 1, 2, 3], [-1, -1, -1, 3]])
    logits, _ = Decoder(model).start(padded)
    alone, _ = Decoder(model).start(padded[1:, 3:])
    torch.testing.assert_close(logits[1:], alone)


def test_a_window_that_plans_cannot_read_is_refused() -> None:
    with pytest.raises(ValueError, match="raise window to at least 2"):
        TransformerConfig(5, 3, positions="learned", window=1)
    cases: list[tuple[Positions, int]] = [("learned", 2), ("rotary", 1)]
    for positions, window in cases:
        decoder = Decoder(make(positions, window=window))
        _, state = decoder.start(torch.tensor([[0, 1]]))
        for _ in range(12):
            logits, state = decoder.step(torch.tensor([2]), state)
            assert logits.isfinite().all()


def sequences(ends: Any) -> Sequences:
    tokens = np.random.default_rng(0).integers(0, 5, (12, 3)).astype(np.uint8)
    return Sequences(tokens, ends, np.array([True, False, True]))


GOOD = [4, 7, 12]


@pytest.mark.parametrize(
    "ends",
    [
        GOOD,
        tuple(GOOD),
        torch.tensor(GOOD),
        *(np.array(GOOD, dtype) for dtype in ("u1", "u2", "u4", "u8", "i1", "i4")),
    ],
)
def test_ends_are_right_in_whatever_whole_numbers_they_come(ends: Any) -> None:
    config, first, second = TrainConfig(2, batch=4, transitions=2), make(), make()
    expected = train(first, sequences(np.array(GOOD)), config)
    found = train(second, sequences(ends), config, held_out=sequences(ends))
    assert found[0].training_loss == expected[0].training_loss
    assert torch.equal(first.head.weight, second.head.weight)
    starts = disjoint_starts(as_arrays(sequences(ends)), 2)
    assert starts.tolist() == [0, 2, 4, 6, 7, 9, 11]


@pytest.mark.parametrize(
    "ends",
    [
        np.array([7, 4, 12], np.uint64),
        np.array([7, 4, 12], np.uint8),
        np.array([4, 4, 12], np.uint32),
        np.array([0, 4, 12], np.uint32),
        np.array([2**64 - 4, 4, 12], np.uint64),
        np.array(GOOD, np.float64),
        [4.0, 7.5, 12.0],
        torch.tensor([4.0, 7.0, 12.0]),
        [4, 7, 13],
        [[4, 7, 12]],
        ["4", "7", "12"],
        [True, True, True],
        None,
    ],
)
def test_other_ends_are_refused(ends: Any) -> None:
    with pytest.raises(ValueError, match="expected ends as a strictly increasing"):
        train(make(), sequences(ends), TrainConfig(2, batch=4, transitions=2))


def test_tokens_and_terminations_may_be_tensors_and_lists() -> None:
    data = sequences(np.array(GOOD))
    config, first, second = TrainConfig(2, batch=4, transitions=2), make(), make()
    tokens: Any = torch.from_numpy(data.tokens)
    terminated: Any = data.terminated.tolist()
    other = Sequences(tokens, data.ends, terminated)
    check_sequences(as_arrays(other), 5, 3)
    train(first, data, config)
    train(second, other, config)
    assert torch.equal(first.head.weight, second.head.weight)
