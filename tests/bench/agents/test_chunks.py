from typing import Any

import attrs
import numpy as np
import pytest

from tt_bench.agents.chunked import ChunkAgent
from tt_bench.data.chunks import chunk_episodes
from tt_bench.data.episodes import Episodes
from tt_bench.evaluation.rollout import record
from tt_bench.interface import BoolArray, FloatArray, silent
from tt_bench.methods.method import Prepared
from tt_bench.methods.recipes import recipe_for
from tt_bench.methods.settings import CriticSettings, PlannerSettings, Recipe
from tt_bench.methods.table import METHODS
from tt_bench.methods.task import Task, chunk_task
from tt_bench.methods.tokens import split
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run
from tt_critic import IQLConfig, Transitions, train_critic
from tt_model import Sequences


def steps(lengths: list[int], terminated: list[bool]) -> Episodes:
    """Number the steps of all episodes; a step's action and reward are its number."""
    times = np.arange(sum(lengths), dtype=np.float32)
    ends = np.cumsum(lengths)
    return Episodes(
        observations=times[:, None],
        actions=np.stack([times, -times], 1),
        rewards=times,
        ends=ends,
        terminated=terminated,
        final_observations=100.0 + ends[:, None],
    )


def test_an_episode_is_joined_from_each_of_its_first_steps() -> None:
    joined = chunk_episodes(steps([5], [False]), 2)
    # from step 0: chunks 0-1, 2-3 and then step 4; from step 1: 1-2, 3-4, then the end
    assert joined.observations[:, 0].tolist() == [0, 2, 1, 3]
    assert joined.actions.tolist() == [
        [0, 0, 1, -1],
        [2, -2, 3, -3],
        [1, -1, 2, -2],
        [3, -3, 4, -4],
    ]
    assert joined.rewards.tolist() == [1, 5, 3, 7]
    assert joined.ends.tolist() == [2, 4]
    assert joined.final_observations[:, 0].tolist() == [4, 105]
    assert joined.terminated.tolist() == [False, False]


def test_a_termination_ends_a_chunk_early_and_a_truncation_leaves_it_out() -> None:
    ended = chunk_episodes(steps([3], [True]), 2)
    assert ended.observations[:, 0].tolist() == [0, 2, 1]
    assert ended.actions[1].tolist() == [2, -2, 0, 0]
    assert ended.rewards.tolist() == [1, 2, 3]
    assert ended.terminations().tolist() == [False, True, True]
    cut = chunk_episodes(steps([3], [False]), 2)
    assert cut.observations[:, 0].tolist() == [0, 1]
    assert cut.final_observations[:, 0].tolist() == [2, 103]


def test_chunks_of_one_step_are_the_steps() -> None:
    episodes = steps([3, 1], [True, False])
    assert chunk_episodes(episodes, 1) is episodes


def test_short_episodes_are_left_out_and_too_short_data_refused() -> None:
    kept = chunk_episodes(steps([4, 5, 2, 3], [False, False, True, True]), 3)
    assert len(kept.ends) == 2 * 3  # a cut one of 5 steps, one of 3 that terminated
    assert kept.observations.min() == 4
    with pytest.raises(ValueError, match="the longest has 4: give a smaller --chunk"):
        chunk_episodes(steps([4], [False]), 3)


def test_episodes_that_were_one_are_held_out_together() -> None:
    data = Sequences(
        np.zeros((120, 1), np.uint8), np.arange(1, 121), np.ones(120, bool)
    )
    _, held = split(data, 3)
    assert held is not None
    assert len(held.ends) == 2 * 3
    tokens = np.arange(120, dtype=np.uint8)[:, None]
    held = split(data._replace(tokens=tokens), 3)[1]
    assert held is not None
    assert held.tokens[:, 0].tolist() == [57, 58, 59, 117, 118, 119]


def test_a_critic_of_chunks_carries_value_back_as_many_steps() -> None:
    """Compute by hand V in a corridor of 8 places, one a step, whose end pays 1."""
    lengths = 200 * [8]
    place = np.tile(np.arange(8), 200)
    hot = np.eye(9, dtype=np.float32)
    corridor = Episodes(
        observations=hot[place],
        actions=np.zeros((1600, 1)),
        rewards=place == 7,
        ends=np.cumsum(lengths),
        terminated=np.ones(200, bool),
        final_observations=np.tile(hot[8], (200, 1)),
    )
    joined = chunk_episodes(corridor, 4)
    data = Transitions(
        joined.observations,
        joined.actions,
        joined.rewards,
        joined.next_observations(),
        joined.terminations(),
    )
    config = IQLConfig(steps=1500, hidden=(32, 32), batch=64, discount=0.5, seed=0)
    config = attrs.evolve(config, learning_rate=3e-3, target_rate=0.05)
    values = train_critic(data, config, bounds=(-1.0, 1.0)).v(hot[:8]).numpy()
    assert values == pytest.approx([0.5] * 4 + [1.0] * 4, abs=0.05)


class Counting:
    """Acts by counting: chunk n holds 10 n, 10 n + 1, ... for every row."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.seen: list[tuple[Any, ...]] = []

    def start(self, count: int, seed: int, /) -> None:
        self.asked = 0

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        self.asked += 1
        row = 10 * self.asked + np.arange(self.size, dtype=np.float32)
        return np.tile(row, (len(observations), 1))

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        self.seen.append((actions[0].tolist(), rewards.tolist(), active.tolist()))

    def memory(self) -> dict[str, Any]:
        return {"asked": np.array(self.asked)}

    def remember(self, memory: dict[str, Any], /) -> None:
        self.asked = int(memory["asked"])


def play(agent: ChunkAgent, count: int) -> list[list[float]]:
    played, active = [], np.array([True, False])
    for step in range(count):
        actions = agent.act(np.zeros((2, 1), np.float32), active)
        played.append(actions[0].tolist())
        agent.observe(actions, np.full(2, 1.0 + step, np.float32), active)
    return played


def test_the_first_steps_of_each_chunk_are_executed() -> None:
    inner = Counting(6)
    agent = ChunkAgent(inner, 3, 2)
    agent.start(2, 0)
    assert play(agent, 5) == [[10, 11], [12, 13], [20, 21], [22, 23], [30, 31]]
    first, second = inner.seen
    assert first == ([10, 11, 12, 13, 14, 15], [3, 0], [True, False])
    assert second[1] == [7, 0]


def test_an_agent_in_the_middle_of_a_chunk_goes_on_from_its_memory() -> None:
    agent = ChunkAgent(Counting(6), 3, 3)
    agent.start(2, 0)
    play(agent, 4)
    kept = agent.memory()
    other = ChunkAgent(Counting(6), 3, 3)
    other.start(2, 0)
    other.remember(kept)
    assert play(other, 3) == play(agent, 3) == [[22, 23], [24, 25], [30, 31]]


def test_a_task_in_chunks_repeats_its_bounds() -> None:
    low, high = np.array([-1, -2], np.float32), np.array([1, 2], np.float32)
    joined = chunk_task(Task(low, high, 7), 3)
    assert joined.low.tolist() == [-1, -2, -1, -2, -1, -2]
    assert joined.high.tolist() == [1, 2, 1, 2, 1, 2]
    assert joined.steps == 3


def test_settings_of_chunks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="at most the 2 steps of a chunk, got 3"):
        Recipe(chunk=2, executed=3)
    with pytest.raises(ValueError, match="got 5 and 1: a planner that looks back"):
        Recipe(chunk=3, executed=1)
    with pytest.raises(ValueError, match="1 to 2 steps of a chunk, got 0"):
        ChunkAgent(Counting(2), 2, 0)
    assert recipe_for("D4RL/antmaze/umaze-v1").chunk == 5


@pytest.mark.parametrize("executed", [1, 2])
def test_every_learner_acts_in_chunks(experiment: Experiment, executed: int) -> None:
    """Train each for a few steps on chunks of 2, and play a pendulum with it."""
    recipe = experiment.recipe
    small = attrs.evolve(
        recipe,
        chunk=2,
        executed=executed,
        model=attrs.evolve(recipe.model, layers=1, heads=1, width=8),
        training=attrs.evolve(recipe.training, steps=2, batch=2, transitions=1),
        planner=PlannerSettings(context=1, horizon=2, beam=2, candidates=1),
        cloning=attrs.evolve(recipe.cloning, steps=2),
        critic=CriticSettings(steps=2, batch=2, width=4),
    )
    config = attrs.evolve(experiment.config, episodes=2, max_steps=5)
    made = Experiment.of(experiment.dataset, small, config)
    for method in ("bc", "iql", "tt", "tt+q"):
        prepared: Prepared = METHODS[method].prepare(
            made.context(Run(method, 0), silent)
        )
        assert isinstance(prepared.agent, ChunkAgent)
        assert made.execute(Run(method, 0), silent).lengths == [5, 5]
    planner: Any = METHODS["tt"].prepare(made.context(Run("tt", 0), silent)).agent
    rollout = record(planner, made.dataset.make_env(), seed=0, steps=5)
    assert [plan.step for plan in rollout.plans] == list(range(0, 5, executed))
    assert {plan.stride for plan in rollout.plans} == {2}
