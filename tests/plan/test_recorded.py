import pytest
import torch
from torch import Tensor

from tt_plan import Plan, Recorded
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
