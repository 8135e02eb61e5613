from typing import Any

import attrs
import numpy as np
import pytest
import torch

from tt_bench.agents.simple import FunctionAgent, RandomAgent
from tt_bench.agents.transformer import TransformerAgent
from tt_bench.data.episodes import Episodes
from tt_bench.interface import Agent, Planner, Tokenizer
from tt_bench.methods.cloning import clone
from tt_bench.methods.planners import make_planner, outcome_evaluator
from tt_bench.methods.settings import (
    CloningConfig,
    ModelSettings,
    PlannerSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from tt_bench.methods.tokens import fit_bins
from tt_bench.methods.transformer_config import model_config
from tt_bench.tasks.ant_driver import AntDriver, WalkConfig
from tt_bench.tasks.d4rl_ant_maze import d4rl_maze
from tt_bench.tasks.maze import MAZES
from tt_bench.tasks.pendulum_driver import PendulumDriver, SwingConfig
from tt_bench.tasks.point_driver import DriveConfig, WaypointDriver
from tt_critic import IQLConfig, Transitions, train_critic
from tt_model import Decoder, State, TrajectoryTransformer
from tt_plan import Advantage, Evaluator, QValue, SequenceModel
from tt_plan.testing import check_sequence_model
from tt_tokenize import Bins, Layout

LOW, HIGH = np.full(2, -1, np.float32), np.full(2, 1, np.float32)


def episodes() -> Episodes:
    draws = np.random.default_rng(0)
    return Episodes(
        observations=draws.normal(size=(60, 3)),
        actions=draws.uniform(-1, 1, (60, 2)),
        rewards=draws.normal(size=60),
        ends=np.array([20, 35, 60]),
        terminated=np.array([True, False, False]),
        final_observations=draws.normal(size=(3, 3)),
    )


def recipe(positions: str) -> Recipe:
    assert positions in ("rotary", "learned")
    return Recipe(
        tokenizer=TokenizerSettings(bins=12),
        model=ModelSettings(
            layers=2,
            heads=2,
            width=16,
            positions="learned" if positions == "learned" else "rotary",
        ),
        training=TrainingSettings(transitions=3),
        planner=PlannerSettings(context=2, horizon=3, beam=4),
    )


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_the_model_keeps_the_laws_that_planners_rely_on(positions: str) -> None:
    bins, layout, _ = fit_bins(episodes(), recipe(positions))
    torch.manual_seed(0)
    built = TrajectoryTransformer(model_config(recipe(positions), layout, bins)).eval()
    model: SequenceModel[State] = Decoder(built)
    check_sequence_model(
        model,
        vocabulary=bins.bins,
        transition=layout.width,
        transitions=5,
        left_padding=True,
    )


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_a_plan_runs_from_numbers_to_actions(positions: str) -> None:
    chosen = recipe(positions)
    fitted, layout, _ = fit_bins(episodes(), chosen)
    evaluator: Evaluator = outcome_evaluator(fitted, layout, chosen.planner, "cpu")
    check_agent(planning_agent(chosen, fitted, layout, evaluator))


@pytest.mark.parametrize("search", ["best-of-n", "likelihood", "cem", "mppi"])
def test_every_search_runs_from_numbers_to_actions(search: Any) -> None:
    planner = attrs.evolve(recipe("rotary").planner, search=search)
    chosen = attrs.evolve(recipe("rotary"), planner=planner)
    fitted, layout, _ = fit_bins(episodes(), chosen)
    evaluator = outcome_evaluator(fitted, layout, chosen.planner, "cpu")
    check_agent(planning_agent(chosen, fitted, layout, evaluator))


def test_a_critic_judges_a_plan() -> None:
    data = episodes()
    critic = train_critic(
        Transitions(
            data.observations,
            data.actions,
            data.rewards,
            data.next_observations(),
            data.terminations(),
        ),
        IQLConfig(steps=2, hidden=(4,), batch=4),
    )
    bins, layout, _ = fit_bins(data, recipe("rotary"))
    seen = bins.middles[layout.observation_slice]
    done = bins.middles[layout.action_slice]
    q: Evaluator = QValue(critic.q, seen, done, bins.middles[layout.reward_slice.start])
    advantage: Evaluator = Advantage(critic.q, critic.v, seen, done)
    for evaluator in (q, advantage):
        check_agent(planning_agent(recipe("rotary"), bins, layout, evaluator))


def planning_agent(
    chosen: Recipe, fitted: Bins, layout: Layout, evaluator: Evaluator
) -> TransformerAgent:
    """Put an untrained model, a tokenizer and an evaluator together."""
    bins: Tokenizer = fitted
    torch.manual_seed(0)
    model = TrajectoryTransformer(model_config(chosen, layout, fitted)).eval()
    planner: Planner = make_planner(
        Decoder(model),
        evaluator,
        fitted,
        layout,
        chosen.planner,
        discount=chosen.discount,
        device="cpu",
    )
    return TransformerAgent(bins, layout, planner, context=2, low=LOW, high=HIGH)


def test_the_other_agents_act_by_the_same_rules() -> None:
    policy = clone(episodes(), CloningConfig(steps=2, width=4), seed=0)
    check_agent(RandomAgent(LOW, HIGH))
    check_agent(FunctionAgent(policy.act, LOW, HIGH))


def test_collecting_agents_are_agents() -> None:
    drivers: list[Agent] = [
        WaypointDriver(MAZES["umaze"], DriveConfig(), wander=True),
        AntDriver(d4rl_maze("umaze"), WalkConfig()),
        PendulumDriver(SwingConfig()),
    ]
    for driver in drivers:
        driver.start(2, 0)


def check_agent(agent: Agent) -> None:
    """Check shapes and bounds, that a seed repeats, and that rows may end."""
    runs = []
    for _ in range(2):
        draws = np.random.default_rng(1)
        agent.start(3, 5)
        actions = []
        for active in ([True] * 3, [True, False, True], [False, False, True]):
            mask = np.array(active)
            observations = draws.normal(size=(3, 3)).astype(np.float32)
            actions.append(agent.act(observations, mask))
            agent.observe(actions[-1], np.ones(3, np.float32), mask)
            assert actions[-1].shape == (3, 2)
            assert (np.abs(actions[-1]) <= 1).all()
        runs.append(np.stack(actions))
    np.testing.assert_array_equal(runs[0], runs[1])
