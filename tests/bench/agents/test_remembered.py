"""An agent goes on from what it knew, and from nothing else."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from tt_bench.agents import ChunkAgent, TransformerAgent
from tt_bench.interface import Memory
from tt_tokenize import Layout, QuantileBins

LAYOUT = Layout(2, 1)
DRAWS = np.random.default_rng(0)
BINS = QuantileBins.fit(DRAWS.normal(size=(50, LAYOUT.width)), 8)
WIDE = QuantileBins.fit(DRAWS.normal(size=(50, 6)), 8)
SEEN, ACTIVE = np.zeros((3, 2), np.float32), np.ones(3, np.bool_)


class Planned(NamedTuple):
    tokens: torch.Tensor


def plan(prefix: torch.Tensor, generator: torch.Generator) -> Planned:
    shape = (len(prefix), 4, LAYOUT.width)
    return Planned(torch.randint(8, shape, generator=generator))


def transformer() -> TransformerAgent:
    low, high = -np.ones(1, np.float32), np.ones(1, np.float32)
    agent = TransformerAgent(
        BINS, LAYOUT, plan, context=3, low=low, high=high, plan_every=2
    )
    agent.start(3, 0)
    return agent


def chunked() -> ChunkAgent:
    low, high = -np.ones(2, np.float32), np.ones(2, np.float32)

    def plan_two(prefix: torch.Tensor, generator: torch.Generator) -> Planned:
        return Planned(torch.randint(8, (len(prefix), 4, 6), generator=generator))

    inner = TransformerAgent(
        WIDE, Layout(2, 2), plan_two, context=2, low=low, high=high
    )
    agent = ChunkAgent(inner, 2, 2)
    agent.start(3, 0)
    return agent


def play(agent: Any, steps: int) -> list[Any]:
    actions = []
    for _ in range(steps):
        actions.append(agent.act(SEEN, ACTIVE).copy())
        agent.observe(actions[-1], np.ones(3, np.float32), ACTIVE)
    return actions


@pytest.mark.parametrize("make", [transformer, chunked])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_an_agent_goes_on_from_what_it_knew(make: Any, before: int) -> None:
    agent, other = make(), make()
    play(agent, before)
    memory: Memory = agent.memory()
    expected = play(agent, 4)
    other.remember(memory)
    assert np.array_equal(play(other, 4), expected)


@pytest.mark.parametrize("make", [transformer, chunked])
@pytest.mark.parametrize(
    "change",
    [
        lambda part: part.astype("U3"),
        lambda part: part.astype("c8"),
        lambda part: part.astype("O"),
        lambda part: part[None],
        lambda part: part.reshape(-1)[:0],
        lambda part: np.zeros((3, 3)),
        lambda part: None,
    ],
)
def test_what_it_did_not_know_is_refused(make: Any, change: Any) -> None:
    agent, other = make(), make()
    play(agent, 1)
    memory: Memory = agent.memory()
    for name, part in memory.items():
        changed = {**memory, name: change(part)}
        if changed[name] is None:
            del changed[name]
        with pytest.raises(ValueError, match="expected"):
            other.remember(changed)


@pytest.mark.parametrize("token", [-2, -5, 9, 2**40])
def test_tokens_that_there_are_not_are_refused(token: int) -> None:
    agent = transformer()
    play(agent, 1)
    for name in ("history", "plans"):
        memory = agent.memory()
        memory[name][0, 0, 0] = token
        with pytest.raises(ValueError, match=f"whose {name} is from .* to 8"):
            transformer().remember(memory)


@pytest.mark.parametrize(
    ("make", "name", "number"),
    [
        *((transformer, "offset", 5), (transformer, "offset", -1)),
        *(
            (chunked, "offset", 2),
            (chunked, "earned", np.nan),
            (chunked, "chunk", np.inf),
        ),
    ],
)
def test_numbers_that_there_are_not_are_refused(
    make: Any, name: str, number: float
) -> None:
    agent = make()
    play(agent, 1)
    memory = agent.memory()
    memory[name] = np.full_like(memory[name], number)
    with pytest.raises(ValueError, match=f"a memory whose {name} is from"):
        make().remember(memory)


def test_the_state_of_another_generator_is_refused() -> None:
    agent = transformer()
    memory = agent.memory() | {"generator": np.zeros(7, np.uint8)}
    with pytest.raises(ValueError, match="state of a generator on cpu, got another"):
        agent.remember(memory)
