from typing import Any

import pytest
import torch
from torch import Tensor

from tt_plan import Plan, Recorded, _record
from tt_plan._record import _pad


def test_a_prefix_on_the_cpu_is_planned_without_recording() -> None:
    seen = []

    def planner(prefix: Tensor, generator: torch.Generator) -> Plan:
        seen.append((prefix, generator))
        tokens = torch.zeros(len(prefix), 1, 4, dtype=torch.int64)
        return Plan(tokens, tokens[:, 0, 0].float(), tokens[:, None], tokens[..., 0])

    recorded, generator = Recorded(planner), torch.Generator()
    for environments in (3, 5):
        prefix = torch.arange(environments)[:, None]
        assert len(recorded(prefix, generator).tokens) == environments
        assert seen[-1][0] is prefix
        assert seen[-1][1] is generator


@pytest.mark.parametrize(("rows", "padded"), [(1, 1), (2, 2), (3, 4), (5, 8), (8, 8)])
def test_few_numbers_of_environments_occur(rows: int, padded: int) -> None:
    prefix = torch.arange(2 * rows).view(rows, 2)
    filled = _pad(prefix)
    assert len(filled) == padded
    assert torch.equal(filled[:rows], prefix)
    assert (filled[rows:] == prefix[-1]).all()


class OnCuda:
    """Stand for a prefix [rows, T] on a GPU."""

    device = torch.device("cuda")

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return self.rows


def replay(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> None:
    """Let graphs give these scores, and use one random number."""
    score = torch.tensor(scores)
    tokens = torch.zeros(len(score), 1, 4, dtype=torch.int64)
    made = Plan(tokens, score, tokens[:, None], score[:, None])

    def give(_: Recorded, __: Any, generator: torch.Generator) -> Plan:
        torch.rand(1, generator=generator)
        return made

    monkeypatch.setattr(Recorded, "_replay", give)


def test_what_pads_needs_no_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replay(monkeypatch, [1.0, 2.0, 3.0, -torch.inf])

    def refuse(*_: Any) -> Plan:
        raise AssertionError("planned without the graph")

    monkeypatch.setattr(_record, "_pad", lambda prefix: prefix)  # the fourth pads
    prefix: Any = OnCuda(3)
    plan = Recorded(refuse)(prefix, torch.Generator())
    assert plan.score.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("bad", [-torch.inf, torch.nan])
def test_where_a_replay_has_no_plan_the_planner_says_why(
    monkeypatch: pytest.MonkeyPatch, bad: float
) -> None:
    replay(monkeypatch, [1.0, bad])

    def planner(_: Tensor, generator: torch.Generator) -> Plan:
        drawn.append(torch.rand(1, generator=generator).item())
        raise ValueError("the model is broken")

    drawn: list[float] = []
    prefix: Any = OnCuda(2)
    generator = torch.Generator().manual_seed(3)
    expected = torch.rand(1, generator=torch.Generator().manual_seed(3)).item()
    with pytest.raises(ValueError, match="the model is broken"):
        Recorded(planner)(prefix, generator)
    assert drawn == [expected]  # the random numbers of the replay


def test_a_replay_without_a_plan_is_refused_even_where_the_planner_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replay(monkeypatch, [-torch.inf, -torch.inf])
    tokens = torch.zeros(2, 1, 4, dtype=torch.int64)
    fine = Plan(tokens, torch.zeros(2), tokens[:, None], torch.zeros(2, 1))
    prefix: Any = OnCuda(2)
    with pytest.raises(ValueError, match=r"environment 0 has no .*2 environments"):
        Recorded(lambda *_: fine)(prefix, torch.Generator())
