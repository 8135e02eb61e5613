"""Expectation and quantile of distributions over bins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tt_tokenize import Bins, QuantileBins, UniformBins

every_tokenizer = pytest.mark.parametrize("kind", [QuantileBins, UniformBins])


def test_expectation_and_quantile_of_a_hand_computed_case() -> None:
    bins = UniformBins.fit([[0.0, 0.0], [8.0, 80.0]], 4)  # middles 1 3 5 7, 10 30 50 70
    chances = [[0.5, 0.0, 0.25, 0.25], [0.0, 0.0, 1.0, 0.0]]
    assert bins.expectation(chances).tolist() == [3.5, 50.0]
    assert bins.quantile(chances, 0.5).tolist() == [1.0, 50.0]
    assert bins.quantile(chances, 0.6).tolist() == [5.0, 50.0]
    assert bins.quantile(chances, 0.0).tolist() == [1.0, 50.0]
    assert bins.quantile(chances, 1.0).tolist() == [7.0, 50.0]


@every_tokenizer
def test_a_certain_token_has_its_middle_as_expectation_and_quantile(
    kind: type[Bins],
) -> None:
    bins = kind.fit(np.random.default_rng(0).standard_normal((300, 3)), 20)
    certain = np.broadcast_to(np.eye(20)[:, None, :], (20, 3, 20))
    for q in (0.0, 0.3, 1.0):
        assert np.array_equal(bins.quantile(certain, q), bins.middles.T)
    assert np.array_equal(bins.expectation(certain), bins.middles.T)


@every_tokenizer
@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 1000), q=st.floats(0, 1))
def test_sums_agree_with_a_loop_over_bins(
    kind: type[Bins], seed: int, q: float
) -> None:
    generator = np.random.default_rng(seed)
    bins = kind.fit(generator.standard_normal((100, 4)), 7)
    chances = generator.dirichlet(np.full(7, 0.3), (5, 2))
    means = bins.expectation(chances, columns=[3, 1])
    levels = bins.quantile(chances, q, columns=[3, 1])
    for row in range(5):
        for place, column in enumerate([3, 1]):
            middles = bins.middles[column].tolist()
            pairs = list(zip(chances[row, place].tolist(), middles, strict=True))
            mean = sum(chance * middle for chance, middle in pairs)
            assert means[row, place] == pytest.approx(mean, rel=1e-5, abs=1e-6)
            below = sum(chance for chance, m in pairs if m < levels[row, place])
            upto = sum(chance for chance, m in pairs if m <= levels[row, place])
            assert below - 1e-12 <= q <= upto + 1e-12


@every_tokenizer
def test_chances_of_unused_bins_count_for_the_last_one_in_use(kind: type[Bins]) -> None:
    bins = kind.fit([[4.0], [4.0]], 10)
    assert bins.expectation(np.full((1, 10), 0.1)).item() == pytest.approx(4.0)
    assert bins.quantile(np.full((1, 10), 0.1), 0.9).item() == 4.0


def test_probabilities_in_half_precision_are_normalised() -> None:
    bins = UniformBins.fit([[0.0], [8.0]], 4)
    chances = np.full((1, 4), 0.2505)
    assert bins.expectation(chances).item() == 4.0


@pytest.mark.parametrize(
    ("chances", "message"),
    [
        (np.full((1, 5), 0.2), "4 bins.*leave the stop token out"),
        (np.array([[0.0, 1.0, 2.0, 3.0]]), "softmax"),
        (np.array([[-0.5, 0.5, 0.5, 0.5]]), "at least 0"),
        (np.array([[np.nan, 0.5, 0.5, 0.0]]), "softmax"),
        (np.full((2, 4), 0.25), "expected 1 of the 1 fitted columns"),
        (np.array(["a"]), "real numbers"),
    ],
)
def test_what_is_no_distribution_is_refused(
    chances: np.ndarray[tuple[int, ...], np.dtype[np.float64]], message: str
) -> None:
    bins = UniformBins.fit([[0.0], [8.0]], 4)
    with pytest.raises(ValueError, match=message):
        bins.expectation(chances)
    with pytest.raises(ValueError, match=message):
        bins.quantile(chances, 0.5)


def test_a_quantile_beyond_one_is_refused() -> None:
    bins = UniformBins.fit([[0.0], [8.0]], 4)
    with pytest.raises(ValueError, match=r"\[0, 1\], got 1.5"):
        bins.quantile(np.full((1, 4), 0.25), 1.5)
