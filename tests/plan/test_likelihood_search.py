from collections.abc import Callable
from itertools import chain, product
from typing import Any

import pytest
import torch
from torch import Tensor

from tt_plan import SequenceModel, gaussian_kernel, likelihood_search

P, V, H = 3, 2, 2
Make = Callable[..., SequenceModel[Tensor]]


def sequences(context: list[int], stop: int | None) -> set[tuple[int, ...]]:
    """Return all continuations to the end of H transitions."""
    begin = len(context) - len(context) % P
    found = set()
    for tail in product(range(V + 1), repeat=begin + H * P - len(context)):
        whole = [*context, *tail]
        parts = [whole[i : i + P] for i in range(begin, len(whole), P)]
        first = next((i for i, part in enumerate(parts) if part[0] == V), len(parts))
        alive, over = list(chain(*parts[:first])), list(chain(*parts[first:]))
        if stop is None:
            allowed = V not in whole
        else:
            allowed = V not in alive and over == [V] * len(over)
        if allowed:
            found.add(tuple(whole))
    return found


def likelihood(
    model: SequenceModel[Tensor], whole: tuple[int, ...], known: int
) -> float:
    total = 0.0
    for place in range(known, len(whole)):
        logits = model.start(torch.tensor([whole[:place]]))[0][0]
        total += logits.log_softmax(-1)[whole[place]].item()
        if whole[place] == V:  # the rest is certain
            break
    return total


@pytest.mark.parametrize("stop", [None, V])
@pytest.mark.parametrize("length", [4, 3, 5])
def test_beam_as_wide_as_the_tree_finds_the_likeliest_sequence(
    table: Make, stop: int | None, length: int
) -> None:
    model = table(V if stop is None else V + 1, seed=length)
    prefix = torch.randint(V, (2, length), generator=torch.Generator().manual_seed(0))
    plan = likelihood_search(
        model, prefix, transition=P, horizon=H, beam=2 ** (H * P), stop=stop
    )
    for row, context in enumerate(prefix.tolist()):
        ranked = sorted(
            (-likelihood(model, whole, length), whole)
            for whole in sequences(context, stop)
        )
        begin = length - length % P
        for place, (cost, whole) in enumerate(ranked[:5]):
            assert plan.scores[row, place].item() == pytest.approx(-cost, abs=1e-5)
            assert plan.beams[row, place].flatten().tolist() == list(whole[begin:])
        finite = plan.scores[row].isfinite()
        assert finite.sum() == min(len(ranked), 2 ** (H * P))
    assert torch.equal(plan.tokens, plan.beams[:, 0])


def test_one_beam_is_the_greedy_continuation(table: Make) -> None:
    model = table(V)
    tokens = torch.tensor([[1, 0, 1, 1]])
    plan = likelihood_search(model, tokens, transition=P, horizon=H, beam=1)
    while tokens.shape[1] < 9:
        best = model.start(tokens)[0].argmax(-1, keepdim=True)
        tokens = torch.cat([tokens, best], 1)
    assert plan.tokens.flatten().tolist() == tokens[0, 3:].tolist()


def test_wrong_counts_are_refused(table: Make) -> None:
    with pytest.raises(ValueError, match="transition must be at least 1"):
        likelihood_search(table(V), torch.zeros(1, 1).long(), transition=0, horizon=1)


class Spiky:
    """Says the same probabilities of eight tokens, and of a stop token, everywhere."""

    def __init__(self, probabilities: list[float]) -> None:
        self._logits = torch.tensor([probabilities]).log()

    def start(self, prefix: Tensor, /) -> tuple[Tensor, None]:
        return self._logits.expand(len(prefix), -1), None

    def step(self, tokens: Tensor, state: None, /) -> tuple[Tensor, None]:
        return self._logits.expand(len(tokens), -1), state

    def select(self, state: None, rows: Tensor, /) -> None:
        return state


def test_a_kernel_prefers_a_hill_to_a_spike_at_the_end() -> None:
    model = Spiky([0.0, 0.1, 0.2, 0.2, 0.1, 0.0, 0.0, 0.38, 0.02])
    prefix = torch.zeros(1, 3).long()
    middles = torch.linspace(-1, 1, 8)
    kernel = gaussian_kernel(middles, 2 / 7)
    by_hand = torch.exp(-0.5 * torch.arange(-3.0, 5.0).square())  # around token 3
    torch.testing.assert_close(kernel[3], by_hand)
    plain = likelihood_search(model, prefix, transition=3, horizon=1, beam=1, stop=8)
    assert plain.tokens.tolist() == [[[7, 7, 7]]]
    smooth = likelihood_search(
        model,
        prefix,
        transition=3,
        horizon=1,
        beam=9**3,
        stop=8,
        kernels=[None, kernel, None],
    )
    assert smooth.tokens[0, 0].tolist() in ([7, 2, 7], [7, 3, 7])
    chance = torch.tensor([0.0, 0.1, 0.2, 0.2, 0.1, 0.0, 0.0, 0.38])
    expected = 0.38 * float(by_hand @ chance) * 0.38
    assert smooth.score.item() == pytest.approx(torch.tensor(expected).log().item())
    # the stop token keeps its own probability, and may end a sequence at its beginning
    ended = smooth.beams[0, :, 0, 0] == 8
    assert smooth.scores[0][ended].max().exp().item() == pytest.approx(0.02)
    begun = smooth.scores[0].isfinite() & ~ended
    assert (smooth.beams[0, begun] < 8).all()


def test_a_kernel_of_its_own_changes_nothing(table: Make) -> None:
    model, prefix = table(V), torch.tensor([[1, 0, 1, 1]])
    one = likelihood_search(model, prefix, transition=P, horizon=H, beam=8)
    same = likelihood_search(
        model, prefix, transition=P, horizon=H, beam=8, kernels=[torch.eye(V)] * P
    )
    assert torch.equal(one.beams, same.beams)
    torch.testing.assert_close(one.scores, same.scores)


@pytest.mark.parametrize(
    ("kernels", "message"),
    [
        ([None], "a list of 3"),
        (3, "but got int"),
        ([None, None, "x"], "a kernel must be a tensor"),
        ([None, None, torch.ones(2, 2).long()], "got torch.int64"),
        ([None, None, -torch.ones(2, 2)], "at least 0"),
        ([None, None, torch.full((2, 2), torch.nan)], "finite"),
        ([torch.ones(3, 3)] * 3, r"\[2, 2\], for the model's tokens"),
    ],
)
def test_kernels_that_do_not_fit_are_refused(
    table: Make, kernels: object, message: str
) -> None:
    given: Any = kernels
    prefix = torch.zeros(1, 1).long()
    with pytest.raises(ValueError, match=message):
        likelihood_search(table(V), prefix, transition=P, horizon=1, kernels=given)


@pytest.mark.parametrize("width", [0.0, -1.0, torch.inf, torch.nan, 10**400, True, "1"])
def test_a_kernel_needs_a_width_and_numbers(width: Any) -> None:
    with pytest.raises(ValueError, match="width must be a finite number above 0"):
        gaussian_kernel(torch.arange(3.0), width)
    for middles in (torch.ones(2, 2), torch.ones(0), torch.tensor([torch.nan])):
        with pytest.raises(ValueError, match="middles must be"):
            gaussian_kernel(middles, 1.0)
