"""Windows agree with a loop over episodes, whatever the sizes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tt_model.training.data import (
    IGNORED,
    Sequences,
    Shuffle,
    check_sequences,
    disjoint_starts,
    fingerprint,
    gather,
    make_windows,
)

CPU = torch.device("cpu")


def make(lengths: list[int], vocabulary: int, size: int, seed: int = 0) -> Sequences:
    """Random sequences that contain the smallest and the largest bin."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, vocabulary, (sum(lengths), size), dtype=np.uint16)
    tokens[0, 0], tokens[-1, -1] = 0, vocabulary - 1
    ended = rng.random(len(lengths)) < 0.5
    if vocabulary <= 256:
        return Sequences(tokens.astype(np.uint8), np.cumsum(lengths), ended)
    return Sequences(tokens, np.cumsum(lengths), ended)


def window(
    data: Sequences, stop: int, start: int, transitions: int, stops: bool
) -> tuple[list[int], list[int]]:
    """Build one window token by token."""
    episode = next(i for i, end in enumerate(data.ends) if start < end)
    inputs, targets = [], []
    for row in range(start, start + transitions + 1):
        for position in range(data.tokens.shape[1]):
            if row < data.ends[episode]:
                inputs.append(int(data.tokens[row, position]))
                targets.append(inputs[-1])
            else:
                inputs.append(stop)
                known = stops and data.terminated[episode]
                targets.append(stop if known else IGNORED)
    length = transitions * data.tokens.shape[1]
    return inputs[:length], targets[1 : length + 1]


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5),
    vocabulary=st.sampled_from([2, 9, 255, 256, 40_000, 65_535]),
    size=st.integers(1, 4),
    transitions=st.integers(1, 9),
    stops=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_window_equals_a_loop(
    lengths: list[int],
    vocabulary: int,
    size: int,
    transitions: int,
    stops: bool,
    seed: int,
) -> None:
    data = make(lengths, vocabulary, size, seed)
    check_sequences(data, vocabulary, size)
    windows = make_windows(data, vocabulary, CPU)
    starts = torch.arange(windows.size)
    batch = gather(windows, starts, transitions, stops=stops)
    for start in starts.tolist():
        inputs, targets = window(data, vocabulary, start, transitions, stops)
        assert batch.inputs[start].tolist() == inputs
        assert batch.targets[start].tolist() == targets


def test_a_stop_is_a_target_only_after_a_true_end() -> None:
    data = Sequences(
        np.array([[1, 2], [3, 4], [5, 6]], dtype=np.uint8),
        np.array([2, 3]),
        np.array([True, False]),
    )
    batch = gather(make_windows(data, 9, CPU), torch.tensor([1, 2]), 2)
    assert batch.inputs.tolist() == [[3, 4, 9, 9], [5, 6, 9, 9]]
    assert batch.targets.tolist() == [[4, 9, 9, 9], [6, IGNORED, IGNORED, IGNORED]]


@pytest.mark.parametrize(
    ("vocabulary", "width"), [(255, 1), (256, 2), (32_767, 2), (32_768, 4), (65_535, 4)]
)
def test_tokens_stay_compact_on_the_device(vocabulary: int, width: int) -> None:
    windows = make_windows(make([4], vocabulary, 3), vocabulary, CPU)
    assert windows.tokens.element_size() == width
    assert windows.tokens[-1].tolist() == [vocabulary] * 3
    assert int(windows.tokens[-2, -1]) == vocabulary - 1


@given(
    count=st.integers(1, 9),
    cuts=st.lists(st.integers(1, 20), min_size=1, max_size=6),
    seed=st.integers(0, 5),
)
def test_shuffled_order_is_one_permutation_after_the_other(
    count: int, cuts: list[int], seed: int
) -> None:
    whole = Shuffle(seed, count, CPU).take(0, sum(cuts))
    shuffle, first, parts = Shuffle(seed, count, CPU), 0, []
    for size in cuts:
        parts.append(shuffle.take(first, size))
        first += size
    assert torch.equal(torch.cat(parts), whole)
    for epoch in whole[: len(whole) // count * count].view(-1, count):
        assert sorted(epoch.tolist()) == list(range(count))


def test_shuffled_order_changes_with_the_seed_and_the_epoch() -> None:
    one, two = (Shuffle(seed, 50, CPU).take(0, 100) for seed in (0, 1))
    assert not torch.equal(one, two)
    assert not torch.equal(one[:50], one[50:])


@given(st.lists(st.integers(1, 8), min_size=1, max_size=6), st.integers(1, 5))
def test_tilings_cover_every_transition_once(
    lengths: list[int], transitions: int
) -> None:
    data = make(lengths, 9, 2)
    covered = []
    for start in disjoint_starts(data, transitions):
        end = data.ends[np.searchsorted(data.ends, start, side="right")]
        covered += list(range(start, min(start + transitions, end)))
    assert covered == list(range(len(data.tokens)))


def test_fingerprint_notices_every_part() -> None:
    data = make([3, 4], 9, 2)
    tokens = data.tokens.copy()
    tokens[3, 1] ^= 1
    others = [
        data._replace(tokens=tokens),
        data._replace(tokens=data.tokens.reshape(2, 7)),
        data._replace(ends=np.array([2, 7])),
        data._replace(terminated=~data.terminated),
    ]
    prints = {fingerprint(part) for part in [data, *others]}
    assert len(prints) == 5
    assert fingerprint(make([3, 4], 9, 2)) in prints
    strided = np.asfortranarray(data.tokens)
    assert fingerprint(data._replace(tokens=strided)) == fingerprint(data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": np.zeros((7, 3), np.uint8)}, r"tokens \[N, 2\]"),
        ({"tokens": np.zeros((0, 2), np.uint8)}, "at least one row"),
        ({"tokens": np.zeros(7, np.uint8)}, r"shape \[7\]"),
        ({"tokens": np.zeros((7, 2))}, "unsigned integer type; got float64"),
        ({"tokens": np.full((7, 2), 9, np.uint8)}, "below the vocabulary 9; got 9"),
        ({"ends": np.array([3, 3, 7])}, "strictly increasing"),
        ({"ends": np.array([0, 7])}, "strictly increasing"),
        ({"ends": np.array([3, 6])}, "number of transitions 7"),
        ({"ends": np.array([3.0, 7.0])}, "integer array"),
        ({"ends": np.array([], dtype=np.int64)}, "strictly increasing"),
        ({"terminated": np.array([0, 1])}, "one boolean per episode"),
        ({"terminated": np.array([True])}, "one boolean per episode"),
    ],
)
def test_bad_sequences_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    data = make([3, 4], 9, 2)._replace(**change)
    with pytest.raises(ValueError, match=message):
        check_sequences(data, 9, 2)
