"""Play one episode and keep what happened and what every plan foresaw.

Axes: T steps of the episode, S sequences of a plan, H planned transitions, Do
observation numbers, P positions of a transition.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import attrs
import gymnasium
import numpy as np

from tt_bench.evaluation.loop import play, reset
from tt_bench.interface import (
    Agent,
    FloatArray,
    IntArray,
    Planned,
    PlanningAgent,
    Tokenizer,
)
from tt_plan import Plan
from tt_tokenize import Layout

_SEQUENCES = 12  # of each plan that are kept


class Foreseen(NamedTuple):
    """What a plan foresees from a step on; NaN where it foresees the end.

    Planned transitions are `stride` steps of the environment from one another.
    """

    step: int
    observations: FloatArray  # [S, H, Do] the best sequence first
    rewards: FloatArray  # [S, H]
    stride: int = 1


@attrs.frozen(eq=False)
class Rollout:
    """One episode: what happened, and what each plan that was made foresaw."""

    observations: FloatArray  # [T + 1, Do]
    rewards: FloatArray  # [T]
    plans: tuple[Foreseen, ...]


def record(
    agent: Agent,
    env: gymnasium.Env[Any, Any],
    *,
    seed: int,
    steps: int,
    on_step: Callable[[int], None] = lambda _: None,
) -> Rollout:
    """Play one episode, of so many steps at most, and keep the plans if there are any.

    Args:
        agent: acts, and tells its plans if it is a `PlanningAgent`.
        env: with flat observations.
        seed: of the environment and of the agent's randomness.
        steps: at most; at least one.
        on_step: called with the steps taken, first with 0.
    """
    first = reset([env], [seed])
    observations, rewards = [first[0]], list[float]()
    plans, known = list[Foreseen](), None
    on_step(0)
    for moment in islice(play(agent, [env], first, seed), steps):
        planner = agent if isinstance(agent, PlanningAgent) else None
        if planner and planner.plan is not None and planner.plan is not known:
            known = planner.plan
            made = foresee(known, planner.bins, planner.layout, len(rewards))
            plans.append(made._replace(stride=planner.stride))
        observations.append(moment.after[0])
        rewards.append(float(moment.rewards[0]))
        on_step(len(rewards))
    return Rollout(np.stack(observations), np.array(rewards, np.float32), tuple(plans))


def foresee(plan: Planned, bins: Tokenizer, layout: Layout, step: int) -> Foreseen:
    """Decode the best sequence of a plan for its first episode, and some others.

    Args:
        plan: as a planner returned it.
        bins: the tokenizer of the plan's tokens.
        layout: sizes of the parts of a transition.
        step: when the plan was made.
    """
    tokens = _sequences(plan)
    ended = tokens[:, :, 0] >= bins.bins
    numbers = bins.decode(np.where(ended[..., None], 0, tokens))
    numbers = np.where(ended[..., None], np.float32(np.nan), numbers)
    rewards = numbers[:, :, layout.reward_slice.start]
    return Foreseen(step, numbers[:, :, layout.observation_slice], rewards)


def _sequences(plan: Planned) -> IntArray:
    """Return the best sequence and others, evenly from the best to the worst."""
    best = plan.tokens[:1].cpu().numpy()
    if not isinstance(plan, Plan):
        return best
    found = plan.beams[0][plan.scores[0].isfinite()].cpu().numpy()
    chosen = np.linspace(0, len(found) - 1, min(len(found), _SEQUENCES))
    return np.concatenate([best, found[chosen.round().astype(np.int64)]])
