"""Fitting quantile bins to a stream of chunks."""

import sys

import numpy as np
import numpy.typing as npt
import pytest

from tt_tokenize import QuantileBins


@pytest.fixture
def _library() -> None:
    pytest.importorskip("datasketches")


needs_library = pytest.mark.usefixtures("_library")


def data(rows: int) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(0)
    columns = [
        generator.standard_normal(rows),
        np.exp(3 * generator.standard_normal(rows)),
        generator.random(rows) < 0.0005,
        np.where(generator.random(rows) < 0.4, 0.5, generator.random(rows)),
    ]
    return np.stack(columns, 1).astype(np.float32)


@needs_library
def test_a_short_stream_gives_the_bins_of_an_exact_fit() -> None:
    samples = data(900)
    chunks: list[npt.ArrayLike] = [
        samples[:100],
        samples[100:100],
        samples[100:].astype(np.float64),
    ]
    streamed = QuantileBins.fit_stream(iter(chunks), 40)
    exact = QuantileBins.fit(samples, 40)
    assert np.array_equal(streamed.edges, exact.edges)
    assert np.array_equal(streamed.middles, exact.middles)


@needs_library
def test_bins_of_a_long_stream_hold_their_share_within_the_rank_error() -> None:
    samples = data(200_000)
    streamed = QuantileBins.fit_stream(np.split(samples, 20), 20, rank_error=0.005)
    for column in (0, 1):
        tokens = streamed.encode(samples[:, [column]], [column])[:, 0]
        share = np.bincount(tokens, minlength=20) / len(samples)
        assert np.abs(share - 1 / 20).max() < 0.005
        assert np.abs(share.cumsum() - np.arange(1, 21) / 20).max() < 0.005


@needs_library
def test_a_long_stream_keeps_rare_and_heavy_values_exact() -> None:
    samples = data(200_000)
    streamed = QuantileBins.fit_stream(np.split(samples, 20), 20, rank_error=0.005)
    decoded = streamed.decode(streamed.encode(samples))
    assert np.array_equal(decoded[:, 2], samples[:, 2])
    assert (decoded[samples[:, 3] == 0.5, 3] == 0.5).all()
    assert np.array_equal(streamed.encode(decoded), streamed.encode(samples))


@needs_library
def test_a_bad_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="no rows"):
        QuantileBins.fit_stream([])
    with pytest.raises(ValueError, match="needs 2 columns as the first has, got 3"):
        QuantileBins.fit_stream([np.zeros((4, 2)), np.zeros((4, 3))])
    with pytest.raises(ValueError, match="column 1, row 9, holds NaN"):
        QuantileBins.fit_stream([np.zeros((8, 2)), np.array([[0, 0], [0, np.nan]])])
    for wrong in (0.0, 0.5, float("nan")):
        with pytest.raises(
            ValueError, match=r"rank_error must lie from 0\.0001 to 0\.1"
        ):
            QuantileBins.fit_stream([np.zeros((4, 2))], rank_error=wrong)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketches", None)
    with pytest.raises(ValueError, match=r"pip install 'tt-tokenize\[streaming\]'"):
        QuantileBins.fit_stream([np.zeros((4, 2))])
