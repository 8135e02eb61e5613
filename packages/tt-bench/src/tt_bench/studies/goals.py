"""How often goals are reached by doing what the data did on its way to such goals.

Janner et al. 2021, figure 6, arXiv 2106.02039. The goal's tokens stand in front of each
transition, so that every sequence begins with it, however far the window has slid.

Axes: E episodes, T steps.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import attrs
import numpy as np

from tt_bench.evaluation import Environment, episode_seeds, play, reset
from tt_bench.interface import Advance, Agent, BoolArray, FloatArray, working
from tt_bench.methods import METHODS, Context
from tt_bench.studies.goal_data import with_goals
from tt_bench.tasks import GOAL, SeenGoal, ending_maze

REACHING: Mapping[str, str] = {"bc": "goal-conditioned clone", "tt": "transformer"}
_DRAWN = 10  # episodes, a colour each


@attrs.frozen
class GoalSettings:
    """What is asked.

    Attributes:
        pairs: of a start and a goal, that are tried.
        longest: steps before a goal, at most, that are learned from.
        every: so many steps the data are at a goal.
    """

    pairs: int = 50
    longest: int = 100
    every: int = 25


class Ways(NamedTuple):
    """What came of E episodes."""

    reached: BoolArray  # [E]
    places: list[FloatArray]  # [T + 1, 2] of each
    goals: FloatArray  # [E, 2]


def study_goals(context: Context, settings: GoalSettings) -> dict[str, Any]:
    """Return how many of the pairs each method joins, and some of the ways.

    Reward means nothing here: the recipe should search by likelihood.

    Raises:
        ValueError: the environment is no point maze that ends in its goal.
    """
    context = seeing_goals(context, settings)
    seeds = episode_seeds(context.seed, settings.pairs)
    found: dict[str, Any] = {}
    for name, title in REACHING.items():
        agent = METHODS[name].prepare(context).agent
        assert agent is not None
        envs = [SeenGoal(context.dataset.make_env()) for _ in seeds]
        label = f"{title} seed {context.seed}, {settings.pairs} pairs"
        with working(context.notify, label, context.task.steps) as advance:
            ways = reach(agent, envs, seeds, advance)
        found[name] = {
            "success": float(ways.reached.mean()),
            "reached": ways.reached.tolist(),
            "ways": [np.round(way, 2).tolist() for way in ways.places[:_DRAWN]],
            "goals": np.round(ways.goals[:_DRAWN], 2).tolist(),
        }
    return found


def seeing_goals(context: Context, settings: GoalSettings) -> Context:
    """Return a context whose episodes lead to goals, to do what is likeliest in."""
    env = context.dataset.make_env()
    maze = ending_maze(env)
    env.close()
    cut = {"longest": settings.longest, "every": settings.every}
    return attrs.evolve(
        context,
        episodes=with_goals(context.dataset.episodes, maze, **cut),
        identity={**context.identity, "goals": cut},
    )


def reach(
    agent: Agent, envs: Sequence[Environment], seeds: Sequence[int], advance: Advance
) -> Ways:
    """Play one episode in each environment, and close them."""
    first = reset(envs, seeds)
    places = [[row] for row in first[:, GOAL : 2 * GOAL]]
    reached = np.zeros(len(envs), np.bool_)
    try:
        for step, moment in enumerate(play(agent, envs, first, seeds[0]), 1):
            reached |= moment.terminated
            for row in np.flatnonzero(moment.active).tolist():
                places[row].append(moment.after[row, GOAL : 2 * GOAL])
            advance(step, f"{int(reached.sum())} reached")
    finally:
        for env in envs:
            env.close()
    return Ways(reached, [np.stack(way) for way in places], first[:, :GOAL])
