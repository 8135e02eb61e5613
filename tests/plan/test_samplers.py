from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tt_plan import Sampler, greedy, likeliest, nucleus, tail_cut, temperature, top_k

DRAWS = 40_000
distributions = st.lists(
    st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, 7.0, 20.0]), min_size=1, max_size=9
).filter(any)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def frequencies(sampler: Sampler, logits: Tensor, draws: int = DRAWS) -> Tensor:
    tokens = sampler(logits[None], draws, seeded())
    assert tokens.shape == (1, draws)
    assert tokens.dtype == torch.int64
    return torch.bincount(tokens[0], minlength=len(logits)) / draws


def kept_by_tail_cut(weights: list[float], mass: float) -> list[bool]:
    """Return which tokens stay, by the definition, one token at a time."""
    total = sum(weights)
    return [w > 0 and sum(v for v in weights if v <= w) > mass * total for w in weights]


def kept_by_nucleus(weights: list[float], mass: float) -> list[bool]:
    total = sum(weights)
    return [w > 0 and sum(v for v in weights if v > w) < mass * total for w in weights]


def kept_by_top_k(weights: list[float], k: int) -> list[bool]:
    return [w > 0 and sum(v > w for v in weights) < k for w in weights]


def assert_samples_the_rest(
    sampler: Sampler, weights: list[float], kept: list[bool]
) -> None:
    found = frequencies(sampler, torch.tensor(weights).log())
    expected = torch.tensor(weights) * torch.tensor(kept)
    expected /= expected.sum()
    assert ((found > 0) <= (expected > 0)).all()
    deviation = (expected * (1 - expected) / DRAWS).sqrt()
    assert (found - expected).abs().le(5 * deviation + 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(distributions, st.sampled_from([0.0, 0.123, 0.4321, 0.61, 0.987]))
def test_tail_cut_drops_the_tail_and_samples_the_rest(
    weights: list[float], mass: float
) -> None:
    assert_samples_the_rest(tail_cut(mass), weights, kept_by_tail_cut(weights, mass))


@settings(max_examples=40, deadline=None)
@given(distributions, st.sampled_from([1.0, 0.0123, 0.4321, 0.61, 0.987]))
def test_nucleus_samples_the_likeliest_mass(weights: list[float], mass: float) -> None:
    assert_samples_the_rest(nucleus(mass), weights, kept_by_nucleus(weights, mass))


@settings(max_examples=40, deadline=None)
@given(distributions, st.integers(1, 12))
def test_top_k_samples_the_k_likeliest(weights: list[float], k: int) -> None:
    assert_samples_the_rest(top_k(k), weights, kept_by_top_k(weights, k))


def test_tail_cut_of_a_hand_computed_distribution() -> None:
    logits = torch.tensor([0.05, 0.5, 0.1, 0.3, 0.05]).log()
    # 0.05 + 0.05 + 0.1 + 0.3 = 0.5 go at 0.6, the likeliest stays
    for mass, drawn in ((0.6, [1]), (0.45, [1, 3]), (0.15, [1, 2, 3])):
        found = frequencies(tail_cut(mass), logits)
        assert found.nonzero().flatten().tolist() == drawn


def test_tail_cut_keeps_the_likeliest_however_much_it_drops() -> None:
    logits = torch.randn(50, 101, generator=seeded())
    tokens = tail_cut(1.0 - 1e-12)(logits, 3, seeded())
    assert torch.equal(tokens, logits.argmax(-1, keepdim=True).expand(-1, 3))


@pytest.mark.parametrize(
    "sampler", [greedy(), likeliest(), top_k(3), nucleus(1.0), tail_cut(0.0)]
)
def test_impossible_tokens_are_never_drawn(sampler: Sampler) -> None:
    logits = torch.full((64, 101), -torch.inf)
    logits[:, 50] = 3.0
    logits[:, 51] = 2.0
    tokens = sampler(logits, 200, seeded())
    possible = (tokens == 50) | (tokens == 51)
    empty = tokens == -1
    assert (possible | empty).all()
    assert empty.any() == (sampler(logits, 3, seeded())[0, 2] == -1)


@pytest.mark.parametrize(
    "sampler",
    [greedy(), likeliest(), top_k(5), nucleus(0.5), tail_cut(0.6)],
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_rows_and_counts_have_their_shape(sampler: Sampler, dtype: torch.dtype) -> None:
    logits = torch.randn(7, 12, generator=seeded(), dtype=dtype)[:, :11]
    for count in (1, 4):
        tokens = sampler(logits, count, seeded())
        assert tokens.shape == (7, count)
        assert ((tokens >= 0) & (tokens < 11)).all()


def test_greedy_takes_the_first_likeliest_token() -> None:
    logits = torch.tensor([[0.0, 2.0, 2.0], [5.0, -1.0, 0.0]])
    assert greedy()(logits, 2, None).tolist() == [[1, 1], [0, 0]]


def test_likeliest_tokens_are_distinct_and_ordered() -> None:
    logits = torch.tensor([[0.0, 2.0, 1.0], [5.0, -1.0, -torch.inf]])
    assert likeliest()(logits, 2, None).tolist() == [[1, 2], [0, 1]]
    assert likeliest()(logits, 4, None).tolist() == [[1, 2, 0, -1], [0, 1, -1, -1]]


def test_temperature_sharpens_and_flattens() -> None:
    logits = torch.tensor([0.8, 0.2]).log()
    for value in (0.5, 2.0):
        found = frequencies(temperature(value, nucleus(1.0)), logits)
        expected = (logits / value).softmax(-1)
        torch.testing.assert_close(found, expected, atol=0.012, rtol=0)


def test_rows_are_drawn_independently_of_each_other() -> None:
    tokens = nucleus(1.0)(torch.zeros(2000, 4), 2, seeded())
    pairs = torch.bincount(tokens[:, 0] * 4 + tokens[:, 1], minlength=16) / 2000
    torch.testing.assert_close(pairs, torch.full((16,), 1 / 16), atol=0.03, rtol=0)


@pytest.mark.parametrize("sampler", [top_k(5), nucleus(0.9), tail_cut(0.2)])
def test_generator_decides_what_is_drawn(sampler: Sampler) -> None:
    logits = torch.randn(32, 20, generator=seeded())
    first, again = sampler(logits, 4, seeded(1)), sampler(logits, 4, seeded(1))
    assert torch.equal(first, again)
    assert not torch.equal(first, sampler(logits, 4, seeded(2)))


def test_settings_out_of_range_are_refused() -> None:
    for mass in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="tail_cut drops a mass"):
            tail_cut(mass)
    for mass in (0.0, 1.1):
        with pytest.raises(ValueError, match="nucleus keeps a mass"):
            nucleus(mass)
    refused: list[Any] = [0, 2.5, 3.0]
    for k in refused:
        with pytest.raises(ValueError, match=f"whole number .* got {k}"):
            top_k(k)
    for value in (0.0, float("inf"), float("nan")):
        with pytest.raises(
            ValueError, match=r"finite number above 0, but got .*greedy"
        ):
            temperature(value, greedy())


@pytest.mark.parametrize("mass", [1e-17, 1e-300])
def test_the_smallest_nucleus_is_the_likeliest_token(mass: float) -> None:
    logits = torch.tensor([[0.1, 0.3, 0.2]])
    assert nucleus(mass)(logits, 50, seeded()).tolist() == [[1] * 50]


NAN, INF = float("nan"), float("inf")
NO_DISTRIBUTION = [
    [NAN, NAN, NAN],
    [NAN, 1.0, 2.0],
    [0.0, NAN, -INF],
    [-INF, -INF, NAN],
    [-INF, -INF, -INF],
    [INF, INF, INF],
    [0.0, INF, 1.0],
    [-INF, INF, 0.0],
    [NAN, INF, -INF],
]
EVERY_SAMPLER = [
    greedy(),
    likeliest(),
    top_k(1),
    top_k(2),
    top_k(9),
    nucleus(0.4),
    nucleus(1.0),
    tail_cut(0.6),
    tail_cut(0.0),
    temperature(0.5, greedy()),
    temperature(0.5, tail_cut(0.3)),
    temperature(2.0, likeliest()),
]


@pytest.mark.parametrize("sampler", EVERY_SAMPLER)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16]
)
def test_no_token_is_drawn_from_what_is_no_distribution(
    sampler: Sampler, count: int, dtype: torch.dtype
) -> None:
    fine = [[1.0, -INF, -INF], [-INF, 0.0, 2.0], [-1.0, 3.0, 0.0]]
    logits = torch.tensor([fine[0], *NO_DISTRIBUTION, *fine[1:]], dtype=dtype)
    tokens = sampler(logits, count, seeded())
    assert tokens.shape == (len(logits), count)
    assert tokens.dtype == torch.int64
    assert (tokens[1:-2] == -1).all()
    others = tokens[[0, -2, -1]]
    assert (others[:, 0] >= 0).all()
    possible = torch.tensor(fine) > -INF
    for row, drawn in zip(possible, others, strict=True):
        assert row[drawn[drawn >= 0]].all()


@pytest.mark.parametrize("sampler", EVERY_SAMPLER)
def test_a_row_without_a_distribution_does_not_touch_the_others(
    sampler: Sampler,
) -> None:
    logits = torch.randn(40, 9, generator=seeded())
    broken = logits.clone()
    broken[::2] = NAN
    expected = sampler(logits, 4, seeded(1))
    assert torch.equal(sampler(broken, 4, seeded(1))[1::2], expected[1::2])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_small_temperature_does_not_lead_out_of_the_numbers(
    dtype: torch.dtype,
) -> None:
    large = torch.finfo(dtype).max / 4
    logits = torch.tensor([[0.0, large, large / 2], [-large, -large, -INF]])
    tokens = temperature(0.1, nucleus(1.0))(logits.to(dtype), 20, seeded())
    assert (tokens[0] == 1).all()
    assert set(tokens[1].tolist()) == {0, 1}


@pytest.mark.parametrize("value", [1e-45, 1e-60, 1e-308])
def test_the_least_temperature_takes_the_likeliest_token(value: float) -> None:
    logits = torch.tensor([[1.0, 2.0, 0.0], [3.0, 3.0, -INF]])
    tokens = temperature(value, nucleus(1.0))(logits, 20, seeded())
    assert (tokens[0] == 1).all()
    assert set(tokens[1].tolist()) == {0, 1}
