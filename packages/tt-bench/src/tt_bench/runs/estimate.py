"""Guess how long runs will take, from a look at the machine."""

from collections.abc import Sequence

from tt_bench.data.episodes import Episodes
from tt_bench.methods.settings import Recipe
from tt_bench.runs.run_config import Run

_TRAINING_SHARE = 0.25  # of the matmul peak that training reaches
_PLANNING_SHARE = 0.2
_CRITIC_SHARE = 0.5
_CRITIC_STEP = 2.5e-4  # seconds of an update at least, however fast the machine
_CLONING_STEP = 2.5e-3  # seconds of a step of behaviour cloning


def token_operations(recipe: Recipe) -> float:
    """Count the operations of one token's forward pass."""
    shape = recipe.model
    weights = 12 * shape.layers * shape.width**2
    head = (recipe.tokenizer.bins + 1) * shape.width
    return 2.0 * (weights + head)


def training_operations(recipe: Recipe, width: int) -> float:
    """Count the operations of training on transitions of `width` tokens."""
    settings = recipe.training
    tokens = settings.steps * settings.batch * settings.transitions * width
    return 3.0 * tokens * token_operations(recipe)


def planning_operations(recipe: Recipe, observation: int, width: int) -> float:
    """Count the operations of one plan for one environment."""
    settings = recipe.planner
    narrow = settings.beam * (observation + 1)
    wide = settings.beam * settings.candidates * (width - observation - 1)
    tokens = settings.context * width + settings.horizon * (narrow + wide)
    return tokens * token_operations(recipe)


def critic_operations(observation: int, action: int, width: int, batch: int) -> float:
    """Count the operations of one update of a critic with two hidden layers of `width`.

    Both Q, V and the policy learn, which is three passes of a batch; both target Q and
    V of the next observation are only evaluated.
    """
    inner = width**2
    q = (observation + action) * width + inner + width
    v = observation * width + inner + width
    policy = observation * width + inner + width * action
    learnt, evaluated = 2 * q + v + policy, 2 * q + v
    return 2.0 * batch * (3 * learnt + evaluated)


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
