"""What holds for every tokenizer and any data, with N rows, P columns and V bins."""

from bisect import bisect_right
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tt_tokenize import Bins, QuantileBins, UniformBins

Table = npt.NDArray[np.float32]

every_tokenizer = pytest.mark.parametrize("kind", [QuantileBins, UniformBins])
any_float = st.floats(width=32, allow_nan=False, allow_infinity=False)
few_floats = st.sampled_from([-1.0, -0.0, 0.0, 1.0, 1.0000001192092896, 3e38])
tables = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 60), st.integers(1, 3)),
    elements=any_float | few_floats | st.integers(-4, 4).map(float),
)
sizes = st.integers(2, 12) | st.sampled_from([255, 256, 300])


@every_tokenizer
@settings(deadline=None, max_examples=60)
@given(data=tables, size=sizes)
def test_every_token_that_data_gives_survives_decoding(
    kind: type[Bins], data: Table, size: int
) -> None:
    bins = kind.fit(data, size)
    tokens = bins.encode(data)
    assert tokens.dtype == (np.uint8 if size <= 255 else np.uint16)
    assert tokens.max() < size
    assert np.array_equal(bins.encode(bins.decode(tokens)), tokens)


@every_tokenizer
@settings(deadline=None, max_examples=60)
@given(data=tables, size=sizes)
def test_every_middle_encodes_to_its_own_token_and_unused_ones_repeat_the_last(
    kind: type[Bins], data: Table, size: int
) -> None:
    bins = kind.fit(data, size)
    all_tokens = np.tile(np.arange(size)[:, None], data.shape[1])
    used = 1 + np.isfinite(bins.edges).sum(1)
    nearest = np.minimum(all_tokens, used - 1)
    assert np.array_equal(bins.encode(bins.decode(all_tokens)), nearest)
    assert np.isfinite(bins.middles).all()


@every_tokenizer
@settings(deadline=None, max_examples=60)
@given(data=tables, others=tables, size=sizes)
def test_encoding_finds_what_a_bisection_of_each_number_finds(
    kind: type[Bins], data: Table, others: Table, size: int
) -> None:
    bins = kind.fit(data[:, :1], size)
    numbers = np.concatenate([others[:, :1], data[:, :1], bins.edges.T])
    numbers = numbers[np.isfinite(numbers[:, 0])]
    edges = bins.edges[0].tolist()
    expected = [bisect_right(edges, number) for number in numbers[:, 0].tolist()]
    assert bins.encode(numbers)[:, 0].tolist() == expected
    repeats = 1 + 2**15 // (size * len(numbers))  # so many that they are searched
    together = bins.encode(np.tile(numbers, (repeats, 1)))
    assert together.reshape(repeats, -1).tolist() == [expected] * repeats


@every_tokenizer
@settings(deadline=None, max_examples=50)
@given(data=tables, size=sizes)
def test_larger_numbers_never_get_smaller_tokens(
    kind: type[Bins], data: Table, size: int
) -> None:
    tokens = kind.fit(data, size).encode(np.sort(data, axis=0))
    assert (np.diff(tokens.astype(np.int64), axis=0) >= 0).all()


@every_tokenizer
def test_many_numbers_get_the_tokens_they_get_one_by_one(kind: type[Bins]) -> None:
    data = np.random.default_rng(0).standard_normal((7001, 5)).astype(np.float32)
    for size in (2, 3, 128, 129, 4000):
        bins = kind.fit(data[:5000], size)
        together = bins.encode(data)
        edges = [row.tolist() for row in bins.edges]
        expected = [
            [bisect_right(edges[c], x) for c, x in enumerate(row)]
            for row in data.tolist()
        ]
        assert together.tolist() == expected
        assert np.array_equal(bins.encode(data[17]), together[17])
        middles = bins.middles[np.arange(5), together]
        assert np.array_equal(bins.decode(together), middles)


@every_tokenizer
def test_the_most_bins_work(kind: type[Bins]) -> None:
    data = np.arange(70_000, dtype=np.float32)[:, None]
    bins = kind.fit(data, 65535)
    tokens = bins.encode(data)
    assert tokens.dtype == np.uint16
    assert tokens.max() == 65534
    assert np.abs(bins.decode(tokens) - data).max() <= 1.0


@every_tokenizer
def test_numbers_beyond_the_fitted_range_get_the_outer_tokens(kind: type[Bins]) -> None:
    bins = kind.fit(np.linspace(-1, 1, 1000)[:, None], 10)
    assert bins.encode([[-5.0], [-1.0], [1.0], [7.0], [3e38]]).tolist() == [
        [0], [0], [9], [9], [9]
    ]  # fmt: skip


@every_tokenizer
def test_a_constant_column_decodes_to_its_constant(kind: type[Bins]) -> None:
    for constant in (0.1, -3e38, 0.0, 1e-45):
        data = np.full((50, 1), constant, np.float32)
        bins = kind.fit(data, 100)
        assert np.array_equal(bins.decode(bins.encode(data)), data)
        assert bins.decode([[99]]).item() == np.float32(constant)


@every_tokenizer
def test_a_sparse_reward_keeps_its_two_values_apart(kind: type[Bins]) -> None:
    reward = np.zeros((10_000, 1), np.float32)
    reward[::5000] = 1.0
    decoded = (bins := kind.fit(reward, 100)).decode(bins.encode(reward))
    assert np.array_equal(np.round(decoded), reward)


@every_tokenizer
def test_columns_are_selected_by_slice_list_or_array(kind: type[Bins]) -> None:
    data = np.random.default_rng(1).standard_normal((400, 6))
    bins = kind.fit(data, 50)
    tokens = bins.encode(data)
    selections: list[Any] = [slice(1, 4), [4, 0], (4, 0), np.array([-1, 2]), range(2)]
    for columns in selections:
        chosen = np.arange(6)[list(columns) if isinstance(columns, tuple) else columns]
        assert np.array_equal(bins.encode(data[:, chosen], columns), tokens[:, chosen])
        assert np.array_equal(
            bins.decode(tokens[:, chosen], columns), bins.decode(tokens)[:, chosen]
        )
        assert np.array_equal(
            bins.encode(data[3, chosen], columns=columns), tokens[3, chosen]
        )


@every_tokenizer
def test_any_leading_shape_and_memory_layout_is_accepted(kind: type[Bins]) -> None:
    data = np.random.default_rng(2).integers(-9, 9, (60, 40, 4))
    bins = kind.fit(data.reshape(-1, 4), 16)
    tokens = bins.encode(data)
    assert tokens.shape == data.shape
    for same in (
        data.astype(np.float64),
        np.asfortranarray(data),
        np.repeat(data, 2, axis=0)[::2],
        data.astype(">f4"),
        data.tolist(),
    ):
        assert np.array_equal(bins.encode(same), tokens)
    assert np.array_equal(bins.decode(np.asfortranarray(tokens)), bins.decode(tokens))
    assert bins.encode(data[:0]).shape == (0, 40, 4)
    assert bins.decode(tokens[:0]).shape == (0, 40, 4)


@every_tokenizer
def test_fitted_arrays_cannot_be_changed(kind: type[Bins]) -> None:
    bins = kind.fit([[0.0], [1.0]], 2)
    with pytest.raises(ValueError, match="read-only"):
        bins.edges[0, 0] = 3.0
    with pytest.raises(AttributeError):
        setattr(bins, "middles", bins.edges)  # noqa: B010
