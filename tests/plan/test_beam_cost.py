import pytest
import torch
from torch import Tensor

from tt_plan import Expectation, Plan, beam_search, greedy, tail_cut

OBSERVATION, ACTION, V = 11, 3, 100  # hopper
HOPPER = [*[greedy()] * OBSERVATION, *[tail_cut(0.6)] * ACTION, greedy(), greedy()]


class Counting:
    """Count the tokens that are read; logits come from one fixed buffer."""

    def __init__(self, rows: int, device: str = "cpu") -> None:
        self.logits = torch.zeros(rows, V + 1, device=device)
        self.tokens, self.selected = 0, 0

    def start(self, prefix: Tensor, /) -> tuple[Tensor, int]:
        self.tokens += prefix.numel()
        return self.logits[: len(prefix)], len(prefix)

    def step(self, tokens: Tensor, state: int, /) -> tuple[Tensor, int]:
        assert tokens.shape == (state,)
        self.tokens += len(tokens)
        return self.logits[: len(tokens)], state

    def select(self, state: int, rows: Tensor, /) -> int:
        self.selected += 1
        return len(rows)


def plan(
    model: Counting, prefix: Tensor, candidates: int = 2, horizon: int = 15
) -> Plan:
    middles = torch.linspace(0.0, 1.0, V, device=prefix.device)
    return beam_search(
        model,
        prefix,
        Expectation(middles, middles),
        samplers=HOPPER,
        horizon=horizon,
        beam=128,
        candidates=candidates,
        stop=V,
    )


@pytest.mark.parametrize("environments", [1, 3])
def test_hopper_plan_reads_36939_tokens(environments: int) -> None:
    model = Counting(environments * 256)
    plan(model, torch.zeros(environments, 75, dtype=torch.int64))
    assert model.tokens == environments * 36_939
    assert model.selected == 15 + 14  # one fan a transition, one cut between two


def test_search_without_cuts_moves_no_rows() -> None:
    model = Counting(128)
    plan(model, torch.zeros(1, 75, dtype=torch.int64), candidates=1)
    assert model.tokens == 75 + 128 * (15 * 16 - 11 - 1)
    assert model.selected == 1


def test_search_needs_no_number_from_the_device() -> None:
    model = Counting(2 * 256, "meta")  # has shapes, but no data to wait for
    prefix = torch.zeros(2, 75, dtype=torch.int64, device="meta")
    found = plan(model, prefix, horizon=2)
    assert found.tokens.shape == (2, 2, 16)
    assert found.scores.shape == (2, 128)
