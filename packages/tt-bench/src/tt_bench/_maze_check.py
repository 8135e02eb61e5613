"""Hold a critic's V against the discounted length of the shortest way to the goal."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from tt_bench._collect import collect
from tt_bench._evaluate import evaluate
from tt_bench._experiment import Experiment, episode_seeds
from tt_bench._interface import FloatArray
from tt_bench._maze import SUCCESS_RADIUS
from tt_bench._maze_map import MazeMap, open_maze
from tt_bench._maze_paths import way_lengths, ways_to_goal
from tt_bench._methods import find_critic, untrained
from tt_bench._progress import silent
from tt_bench._run_config import Run
from tt_bench._sources import SOURCES, Source, make_collector

_STATES = 100
_SEED = 1_000_003  # apart from that of every dataset
_COASTING = 0.2  # seconds that a state's speed lasts
_PIECES = 8
_SPEEDS = {4: [2, 3], 29: [15, 16]}  # columns of the speed, by the observation's size
_DRIVES = 3  # of the expert, that tell how far a step goes


def check_values(experiment: Experiment) -> float | None:
    """Correlate V of seed 0's critic with discount to the power of the steps left.

    The states are 100 of newly collected episodes, that the critic never saw. The steps
    left are the length of the shortest way, by a search over the maze, over that of a
    step of the expert; it is measured from where a state's speed carries it in 0.2 s.

    Returns:
        The correlation, or None where the data isn't made here in a maze that ends in
        its goal, or no critic was trained.
    """
    source = SOURCES.get(experiment.dataset.name)
    context = experiment.context(Run("iql", 0), silent)
    if source is None or source.wrap is None or untrained(context, "iql"):
        return None
    observations = _unseen(source)
    steps = _steps_left(experiment, source, observations)
    values = find_critic(context).critic.v(observations).double().cpu().numpy()
    ideal = experiment.recipe.discount**steps
    return float(np.corrcoef(values, ideal)[0, 1])


def _unseen(source: Source) -> FloatArray:
    """Collect anew and draw states from all over the episodes: [N, Do]."""
    episodes = collect(
        source.behaviour(),
        partial(make_collector, source),
        transitions=100 * _STATES,
        seed=_SEED,
    )
    rows = np.random.default_rng(_SEED).choice(len(episodes), _STATES, replace=False)
    drawn: FloatArray = episodes.observations[np.sort(rows)]
    return drawn


def _steps_left(
    experiment: Experiment, source: Source, observations: FloatArray
) -> NDArray[np.float64]:
    """Return how many steps of the expert each state is from the goal: [N]."""
    dataset = experiment.dataset
    maze, start = open_maze(dataset, episode_seeds(0, 1)[0])
    if maze is None:
        raise ValueError(f"expected a maze, {dataset.env_id} is none")
    lengths = ways_to_goal(maze, SUCCESS_RADIUS)
    driven = evaluate(source.expert(), dataset.make_env, range(_DRIVES)).lengths.mean()
    pace = way_lengths(maze, lengths, start[None, :2])[0] / driven
    steps: NDArray[np.float64] = _carried(maze, lengths, observations) / pace
    return steps


def _carried(
    maze: MazeMap, lengths: NDArray[np.float64], observations: FloatArray
) -> NDArray[np.float64]:
    """Measure the way from where each state's speed carries it: [N].

    It stops where it would meet a wall.
    """
    place = observations[:, :2].copy()
    speed = observations[:, _SPEEDS[observations.shape[1]]]
    left = way_lengths(maze, lengths, place)
    for _ in range(_PIECES):
        place += speed * (_COASTING / _PIECES)
        ahead = way_lengths(maze, lengths, place)
        place = np.where(np.isfinite(ahead)[:, None], place, np.inf)
        left = np.where(np.isfinite(ahead), ahead, left)
    return left
