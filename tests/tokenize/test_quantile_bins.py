"""How quantile bins treat counts, ties and heavy values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tt_tokenize import QuantileBins


def used(bins: QuantileBins) -> int:
    return int(1 + np.isfinite(bins.edges).sum())


@settings(deadline=None, max_examples=100)
@given(rows=st.integers(2, 400), size=st.integers(2, 30), seed=st.integers(0, 99))
def test_bins_without_ties_hold_equally_many_samples(
    rows: int, size: int, seed: int
) -> None:
    data = np.random.default_rng(seed).permutation(rows)[:, None]
    tokens = QuantileBins.fit(data, size).encode(data)[:, 0]
    counts = np.bincount(tokens, minlength=min(rows, size))
    assert len(counts) == min(rows, size)
    assert counts.max() - counts.min() <= 1


def test_a_token_decodes_to_the_middle_of_the_samples_in_its_bin() -> None:
    data = np.array([0, 1, 2, 10, 11, 12, 20, 22, 24])[:, None]
    bins = QuantileBins.fit(data, 3)
    assert bins.middles.tolist() == [[1.0, 11.0, 22.0]]
    assert bins.edges.tolist() == [[6.0, 16.0]]


@settings(deadline=None, max_examples=100)
@given(
    values=st.lists(
        st.floats(width=32, allow_nan=False, allow_infinity=False),
        min_size=1,
        max_size=20,
    ),
    extra=st.lists(st.integers(0, 19), max_size=50),
)
def test_few_distinct_values_round_trip_exactly(
    values: list[float], extra: list[int]
) -> None:
    samples = values + [values[place % len(values)] for place in extra]
    data = np.array(samples, np.float32)[:, None]
    bins = QuantileBins.fit(data, 20)
    assert np.array_equal(bins.decode(bins.encode(data)), data)
    assert used(bins) == len(np.unique(data))


def test_a_binary_column_with_two_percent_ones_round_trips() -> None:
    data = (np.arange(5000) % 50 == 0).astype(np.float32)[:, None]
    bins = QuantileBins.fit(data, 100)
    assert np.array_equal(bins.decode(bins.encode(data)), data)


@pytest.mark.parametrize("side", ["below", "above", "both"])
@pytest.mark.parametrize("share", [0.015, 0.3, 0.98])
def test_a_heavy_value_among_others_has_its_own_bin(side: str, share: float) -> None:
    generator = np.random.default_rng(3)
    spread = generator.exponential(size=20_000)
    signs = {"below": [-1], "above": [1], "both": [-1, 1]}[side]
    data = spread * generator.choice(signs, 20_000)
    atom = generator.random(20_000) < share
    data[atom] = 0.0
    bins = QuantileBins.fit(data[:, None], 100)
    tokens = bins.encode(data[:, None])
    assert (bins.decode(tokens)[atom] == 0.0).all()
    assert not np.isin(tokens[~atom], tokens[atom]).any()
    counts = np.bincount(tokens[~atom, 0], minlength=100)
    others = np.sort(counts[counts > 0])
    assert used(bins) == 100
    assert others[-1] <= 1.1 * others.mean()


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_a_heavy_value_stays_decodable_where_bins_are_too_few(size: int) -> None:
    data = np.concatenate(
        [np.linspace(-9, -1, 50), np.zeros(900), np.linspace(1, 9, 50)]
    )
    bins = QuantileBins.fit(data[:, None], size)
    assert bins.decode(bins.encode([[0.0]])).item() == 0.0


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), size=st.integers(2, 12))
def test_a_value_of_more_than_two_equal_shares_always_has_its_own_bin(
    seed: int, size: int
) -> None:
    generator = np.random.default_rng(seed)
    counts = np.ceil(generator.pareto(1.0, generator.integers(1, 40)) * 5)
    counts = counts.clip(1, 10_000).astype(int)
    values = np.arange(len(counts))[:, None]
    bins = QuantileBins.fit(np.repeat(values, counts, axis=0), size)
    tokens = bins.encode(values)
    assert used(bins) == min(size, len(counts))
    assert np.array_equal(np.unique(tokens), np.arange(used(bins)))
    for value in np.flatnonzero(counts * size > 2 * counts.sum()):
        assert np.count_nonzero(tokens == tokens[value]) == 1
        assert bins.decode(tokens[[value]]).item() == value


def test_fewer_samples_than_bins_works() -> None:
    data = [[3.0, 1.0], [1.0, 1.0], [2.0, 1.0]]
    bins = QuantileBins.fit(data, 100)
    assert bins.decode(bins.encode(data)).tolist() == data
    assert QuantileBins.fit([[5.0]], 2).decode([[0], [1]]).tolist() == [[5.0], [5.0]]


def test_neighbouring_float32_numbers_stay_apart() -> None:
    data = (np.float32(1e8) + 8 * np.arange(20, dtype=np.float32))[:, None]
    bins = QuantileBins.fit(data, 20)
    assert np.array_equal(bins.encode(data)[:, 0], np.arange(20))
    assert np.array_equal(bins.decode(bins.encode(data)), data)


def test_a_value_heavy_among_what_a_heavier_one_leaves_has_its_own_bin() -> None:
    spread = np.random.default_rng(4).uniform(1, 2, 950)
    data = np.concatenate([np.zeros(9000), np.full(50, 1.5), spread])[:, None]
    bins = QuantileBins.fit(data, 100)
    tokens = bins.encode(data)[:, 0]
    assert bins.decode(bins.encode([[1.5]])).item() == 1.5
    assert np.bincount(tokens)[tokens[9000]] == 50
    assert used(bins) == 100


def test_a_cut_moves_to_the_nearest_change_of_value() -> None:
    data = np.repeat([0.0, 1.0, 2.0], [4, 3, 3])[:, None]
    assert QuantileBins.fit(data, 2).encode([[0], [1], [2]]).ravel().tolist() == [
        0,
        1,
        1,
    ]
