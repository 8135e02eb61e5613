"""Guess how long runs will take, from a look at the machine."""

from tt_bench._dataset import Dataset
from tt_bench._recipes import Recipe
from tt_bench._run_config import Run

_TRAINING_SHARE = 0.25  # of the matmul peak that training reaches
_PLANNING_SHARE = 0.2
_CLONING_STEP = 2.5e-3  # seconds of a step of behaviour cloning
_CRITIC_STEP = 4e-3  # seconds of an update of the critic


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


def estimate_seconds(
    dataset: Dataset,
    recipe: Recipe,
    runs: list[Run],
    *,
    episodes: int,
    steps: int,
    peak: float,
) -> float:
    """Guess the seconds that runs will take at a matmul peak.

    Args:
        dataset: what the runs are on.
        recipe: their settings.
        runs: those not finished yet.
        episodes: episodes of each run.
        steps: steps of an episode at most.
        peak: operations a second, from `matmul_peak`.
    """
    observation = dataset.episodes.observations.shape[1]
    width = observation + dataset.episodes.actions.shape[1] + 2
    training = training_operations(recipe, width) / (_TRAINING_SHARE * peak)
    plans = episodes * -(-steps // recipe.planner.every)
    plan = planning_operations(recipe, observation, width) / (_PLANNING_SHARE * peak)
    planned = [run for run in runs if run.method.startswith("tt")]
    judged = {run.seed for run in runs if run.method in ("iql", "tt+q")}
    cloned = [run for run in runs if run.method.startswith("bc")]
    return (
        len({(run.seed, run.method == "tt-uniform") for run in planned}) * training
        + len(planned) * plans * plan
        + len(judged) * recipe.critic.steps * _CRITIC_STEP
        + len(cloned) * recipe.cloning.steps * _CLONING_STEP
        + len(runs)
    )
