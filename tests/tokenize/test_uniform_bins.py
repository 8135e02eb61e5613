"""How uniform bins cut a range."""

import numpy as np

from tt_tokenize import UniformBins


def test_edges_and_middles_of_a_range_are_evenly_spaced() -> None:
    bins = UniformBins.fit([[0.0], [8.0], [3.0]], 4)
    assert bins.edges.tolist() == [[2.0, 4.0, 6.0]]
    assert bins.middles.tolist() == [[1.0, 3.0, 5.0, 7.0]]


def test_numbers_come_back_within_half_a_width() -> None:
    data = np.random.default_rng(0).uniform(-7, 21, (3000, 3)).astype(np.float32)
    bins = UniformBins.fit(data, 50)
    widths = (data.max(0) - data.min(0)) / 50
    error = np.abs(bins.decode(bins.encode(data)) - data)
    assert (error <= 0.5 * widths * (1 + 1e-4)).all()


def test_a_range_of_few_float32_numbers_has_fewer_bins() -> None:
    data = (np.float32(1e8) + 8 * np.arange(5, dtype=np.float32))[:, None]
    bins = UniformBins.fit(data, 100)
    assert np.array_equal(bins.decode(bins.encode(data)), data)


def test_the_whole_of_float32_can_be_cut() -> None:
    largest = np.finfo(np.float32).max
    bins = UniformBins.fit([[-largest], [largest]], 4)
    assert np.isfinite(bins.middles).all()
    spread = np.array([-largest, -1.0, 1.0, largest])[:, None]
    assert bins.encode(spread).ravel().tolist() == [
        0,
        1,
        2,
        3,
    ]


def test_a_stream_gives_the_bins_of_all_chunks_together() -> None:
    data = np.random.default_rng(0).standard_normal((500, 3))
    streamed = UniformBins.fit_stream(iter(np.split(data, 5)), 20)
    together = UniformBins.fit(data, 20)
    assert np.array_equal(streamed.edges, together.edges)
    assert np.array_equal(streamed.middles, together.middles)
