from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tt_plan import (
    Expectation,
    LogLikelihood,
    SequenceModel,
    beam_search,
    best_of_n,
    greedy,
    likeliest,
    nucleus,
)

P, V = 4, 3
MIDDLES = torch.tensor([[-1.0, 0.0, 2.0], [-3.0, 1.0, 4.0]])
Make = Callable[..., SequenceModel[Tensor]]


def test_best_of_all_actions_is_the_best(table: Make) -> None:
    model = table(V + 1, seed=1)
    context = torch.tensor([[1], [2]])
    samplers = [greedy(), likeliest(), greedy(), greedy()]
    found = best_of_n(
        model, context, Expectation(*MIDDLES), samplers=samplers, horizon=2, n=V, stop=V
    )
    for row in range(2):
        scores = []
        for action in range(V):  # each first action alone, then greedily on
            prefix = torch.cat([context[row], torch.tensor([action])])[None]
            alone = beam_search(
                model,
                prefix,
                Expectation(*MIDDLES),
                samplers=[greedy()] * P,
                horizon=2,
                beam=1,
                candidates=1,
                stop=V,
            )
            scores.append(alone.score.item())
        assert found.scores[row].tolist() == pytest.approx(sorted(scores)[::-1])


def test_many_samples_find_the_best_of_a_small_tree(table: Make) -> None:
    model = table(V, seed=2)
    context = torch.tensor([[1], [2]])
    sampled = [greedy(), nucleus(1.0), greedy(), greedy()]
    listed = [greedy(), likeliest(), greedy(), greedy()]
    found = best_of_n(
        model,
        context,
        Expectation(*MIDDLES),
        samplers=sampled,
        horizon=2,
        n=400,
        generator=torch.Generator().manual_seed(0),
    )
    exhaustive = beam_search(
        model,
        context,
        Expectation(*MIDDLES),
        samplers=listed,
        horizon=2,
        beam=V * V,
        candidates=V,
    )
    torch.testing.assert_close(found.score, exhaustive.score)
    assert torch.equal(found.tokens, exhaustive.tokens)
    assert (found.scores.diff(dim=1) <= 0).all()


def test_samples_follow_the_model(table: Make) -> None:
    found = best_of_n(
        table(2, seed=3),
        torch.tensor([[1, 0]]),
        LogLikelihood(),
        samplers=[nucleus(1.0)] * 3,
        horizon=1,
        n=20_000,
        discount=1.0,
        generator=torch.Generator().manual_seed(0),
    )
    sequence = found.beams[0, :, 0] @ torch.tensor([4, 2, 1])  # one number each
    share = torch.bincount(sequence, minlength=8) / 20_000
    likelihood = torch.zeros(8)
    likelihood[sequence] = found.scores[0].exp()
    torch.testing.assert_close(share, likelihood, atol=0.02, rtol=0)
    assert likelihood.sum().item() == pytest.approx(1.0, abs=1e-5)
