"""What tokenizers refuse, and how they say so."""

from typing import Any

import numpy as np
import pytest

from tt_tokenize import Bins, QuantileBins, UniformBins

every_tokenizer = pytest.mark.parametrize("kind", [QuantileBins, UniformBins])
GOOD = np.random.default_rng(0).standard_normal((2000, 3))


@every_tokenizer
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("rows", [4, 2000])
def test_numbers_that_are_not_finite_are_refused_by_column(
    kind: type[Bins], bad: float, rows: int
) -> None:
    data = GOOD[:rows].copy()
    data[2, 1] = bad
    with pytest.raises(ValueError, match="column 1 holds NaN, infinity"):
        kind.fit(data, 10)
    bins = kind.fit(GOOD, 100)
    with pytest.raises(ValueError, match="column 1, row 2, holds NaN, infinity"):
        bins.encode(data)
    with pytest.raises(ValueError, match="column 1, row 2, holds NaN, infinity"):
        bins.encode(data[:, 1:], columns=[1, 2])


@every_tokenizer
def test_the_row_of_a_bad_number_is_counted_over_all_rows(kind: type[Bins]) -> None:
    data = np.tile(GOOD, (10, 1))
    data[19_000, 2] = np.nan
    with pytest.raises(ValueError, match="column 2, row 19000"):
        kind.fit(GOOD, 10).encode(data)


@every_tokenizer
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.empty((0, 3)), "no rows"),
        (np.empty((3, 0)), r"\[rows, columns\], got \[3, 0\]"),
        (np.zeros(3), r"\[rows, columns\], got \[3\].*data\[:, None\]"),
        (np.zeros((2, 2, 2)), r"\[rows, columns\], got \[2, 2, 2\]"),
        (np.array([["a"]]), "real numbers, got dtype <U1"),
        (np.zeros((2, 2), complex), "real numbers, got dtype complex128"),
    ],
)
def test_data_that_is_no_table_of_numbers_is_refused(
    kind: type[Bins], data: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        kind.fit(data, 10)


@every_tokenizer
@pytest.mark.parametrize("size", [1, 0, -5, 65536, 10.0, "10", True, None])
def test_a_bad_number_of_bins_is_refused(kind: type[Bins], size: Any) -> None:
    with pytest.raises(ValueError, match="bins must be a whole number from 2 to 65535"):
        kind.fit(GOOD, size)


@every_tokenizer
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (None, "expected 3 of the 3 fitted columns, got shape"),
        (slice(0, 1), "expected 1 of the 3 fitted columns"),
        ([0, 3], "whole numbers below 3"),
        ([0.0, 1.0], "whole numbers below 3"),
        (1, "expected 1 of the 3 fitted columns"),
        ([], "whole numbers below 3"),
    ],
)
def test_columns_that_do_not_match_are_refused(
    kind: type[Bins], columns: Any, message: str
) -> None:
    bins = kind.fit(GOOD, 10)
    with pytest.raises(ValueError, match=message):
        bins.encode(GOOD[:, :2], columns)
    with pytest.raises(ValueError, match=message):
        bins.decode(np.zeros((5, 2), np.uint8), columns)


@every_tokenizer
def test_a_single_number_without_a_column_axis_is_refused(kind: type[Bins]) -> None:
    with pytest.raises(ValueError, match=r"got shape \[\]"):
        kind.fit(GOOD[:, :1], 10).encode(3.0)


@every_tokenizer
@pytest.mark.parametrize("wrong", [10, -1, 255])
def test_tokens_out_of_range_are_refused_by_column(
    kind: type[Bins], wrong: int
) -> None:
    tokens = np.zeros((6, 3), np.int64)
    tokens[4, 2] = wrong
    with pytest.raises(
        ValueError, match=f"column 2 has token {wrong}, expected 0 to 9"
    ):
        kind.fit(GOOD, 10).decode(tokens)


@every_tokenizer
def test_tokens_that_are_no_whole_numbers_are_refused(kind: type[Bins]) -> None:
    with pytest.raises(ValueError, match="tokens must be whole numbers, got dtype fl"):
        kind.fit(GOOD, 10).decode(np.zeros((1, 3)))


@every_tokenizer
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64, np.int64])
def test_tokens_of_every_integer_type_decode(kind: type[Bins], dtype: Any) -> None:
    bins = kind.fit(GOOD, 10)
    tokens = np.array([[0, 9, 4]], dtype)
    assert np.array_equal(bins.decode(tokens), bins.middles[[0, 1, 2], tokens])


@pytest.mark.parametrize(
    ("edges", "middles"),
    [
        ([[2.0, 1.0]], [[0.0, 1.5, 3.0]]),
        ([[1.0, np.nan]], [[0.0, 1.5, 3.0]]),
        ([[1.0, 2.0]], [[0.0, 1.5, np.inf]]),
        ([[1.0, 2.0]], [[0.0, 2.5, 3.0]]),
        ([[1.0, 2.0]], [[0.0, 1.5, 1e39]]),
        ([[1.0, 1.0]], [[0.0, 1.0, 3.0]]),
        ([[1.0]], [[0.0, 1.5, 3.0]]),
        ([1.0, 2.0], [0.0, 1.5, 3.0]),
        (np.empty((0, 2)), np.empty((0, 3))),
        (np.empty((1, 0)), [[0.0]]),
    ],
)
def test_bins_that_would_not_round_trip_cannot_be_made(
    edges: Any, middles: Any
) -> None:
    with pytest.raises(ValueError, match="fit"):
        QuantileBins(edges, middles)


def test_bins_are_made_of_numbers_only() -> None:
    edges, middles = np.array([[1.0, 2.0]]), np.array([[0.0, 1.5, 3.0]])
    with pytest.raises(ValueError, match="edges must be real numbers, got dtype <U32"):
        QuantileBins(edges.astype("U"), middles)
    with pytest.raises(ValueError, match="middles must be real numbers, got dtype obj"):
        QuantileBins(edges, middles.astype(object))
