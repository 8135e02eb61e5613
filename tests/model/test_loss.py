"""The loss is the one that can be worked out by hand."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tt_model.training.data import IGNORED, Batch
from tt_model.training.loss import next_token_loss, position_losses


def random_case(
    batch: int, length: int, entries: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, length, entries, generator=generator)
    targets = torch.randint(0, entries, (batch, length), generator=generator)
    ignored = torch.rand(batch, length, generator=generator) < 0.3
    return logits, targets.masked_fill(ignored, IGNORED)


def test_uniform_logits_cost_the_logarithm_of_the_entries() -> None:
    logits, targets = torch.zeros(2, 6, 5), torch.tensor([[0, 1, 2, 3, 4, 0]] * 2)
    loss = next_token_loss(logits, targets, torch.ones(3))
    assert math.isclose(loss.item(), math.log(5), rel_tol=1e-6)


def test_weights_belong_to_the_position_of_the_target() -> None:
    logits, targets = torch.zeros(1, 4, 5), torch.full((1, 4), IGNORED)
    targets[0, 3] = 2  # follows the last token of a transition: position 0
    loss = next_token_loss(logits, targets, torch.tensor([7.0, 1.0]))
    assert math.isclose(loss.item(), 7 * math.log(5), rel_tol=1e-6)


@settings(deadline=None, max_examples=30)
@given(
    size=st.integers(1, 4),
    transitions=st.integers(1, 3),
    batch=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_losses_equal_a_loop_over_tokens(
    size: int, transitions: int, batch: int, seed: int
) -> None:
    logits, targets = random_case(batch, size * transitions, 6, seed)
    weights = torch.rand(size, generator=torch.Generator().manual_seed(seed))
    total, sums, counts = 0.0, [0.0] * size, [0] * size
    for row in range(batch):
        for index in range(size * transitions):
            target = int(targets[row, index])
            if target == IGNORED:
                continue
            exponentials = logits[row, index].double().exp()
            cost = -math.log(exponentials[target] / exponentials.sum())
            position = (index + 1) % size
            total += cost * float(weights[position])
            sums[position] += cost
            counts[position] += 1
    loss = next_token_loss(logits, targets, weights)
    assert math.isclose(loss.item(), total / max(1, sum(counts)), abs_tol=1e-5)
    halves = [Batch(logits[i], targets[i][None]) for i in range(batch)]
    measured = position_losses(lambda x: x[None], halves, size)
    for value, part, count in zip(measured.tolist(), sums, counts, strict=True):
        expected = part / count if count else math.nan
        assert math.isnan(value) == math.isnan(expected)
        assert math.isnan(value) or math.isclose(value, expected, abs_tol=1e-5)


def test_ignored_targets_send_back_no_gradient() -> None:
    logits, targets = random_case(2, 6, 5, 0)
    logits.requires_grad_()
    loss = next_token_loss(logits, targets, torch.ones(3))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert torch.equal(gradient.abs().sum(-1) > 0, targets != IGNORED)


def test_a_batch_without_targets_costs_nothing() -> None:
    loss = next_token_loss(
        torch.randn(1, 2, 5), torch.full((1, 2), IGNORED), torch.ones(2)
    )
    assert loss.item() == 0.0
