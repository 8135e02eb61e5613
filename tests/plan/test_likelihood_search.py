from collections.abc import Callable
from itertools import chain, product

import pytest
import torch
from torch import Tensor

from tt_plan import SequenceModel, likelihood_search

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
