"""Guess how long runs will take, from a look at the machine."""

from collections.abc import Sequence

from tt_bench.data.episodes import Episodes
from tt_bench.methods.costs import (
    critic_operations,
    planning_operations,
    training_operations,
)
from tt_bench.methods.settings import Recipe
from tt_bench.runs.run_config import Run

_TRAINING_SHARE = 0.25  # of the matmul peak that training reaches
_PLANNING_SHARE = 0.2
_CRITIC_SHARE = 0.5
_CRITIC_STEP = 2.5e-4  # seconds of an update at least, however fast the machine
_CLONING_STEP = 2.5e-3  # seconds of a step of behaviour cloning


def estimate_seconds(
    learned: Episodes,
    recipe: Recipe,
    runs: Sequence[Run],
    untrained: Sequence[str],
    *,
    episodes: int,
    steps: int,
    peak: float,
) -> float:
    """Guess the seconds that runs will take at a matmul peak.

    Args:
        learned: what the runs learn from, in chunks.
        recipe: their settings.
        runs: those not finished yet.
        untrained: "transformer" or "critic" for each that they must train first.
        episodes: episodes of each run.
        steps: steps of an episode at most.
        peak: operations a second, from `matmul_peak`.
    """
    observation = learned.observations.shape[1]
    action = learned.actions.shape[1]
    width = observation + action + 2
    training = training_operations(recipe, width) / (_TRAINING_SHARE * peak)
    critic = recipe.critic
    update = critic_operations(observation, action, critic.width, critic.batch)
    update = max(update / (_CRITIC_SHARE * peak), _CRITIC_STEP)
    plans = episodes * -(-steps // (recipe.executed * recipe.planner.every))
    plan = planning_operations(recipe, observation, width) / (_PLANNING_SHARE * peak)
    planned = [run for run in runs if run.method.startswith("tt")]
    cloned = [run for run in runs if run.method.startswith("bc")]
    return (
        untrained.count("transformer") * training
        + untrained.count("critic") * critic.steps * update
        + len(planned) * plans * plan
        + len(cloned) * recipe.cloning.steps * _CLONING_STEP
        + len(runs)
    )
