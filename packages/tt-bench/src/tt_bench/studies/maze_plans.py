"""Draw how TT and TT+Q plan in the maze of an experiment.

Axes: N points, M data, Do observation numbers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tt_bench.cli.progress import silent
from tt_bench.evaluation.evaluate import episode_seeds
from tt_bench.evaluation.rollout import Rollout, play
from tt_bench.interface import FloatArray, Track
from tt_bench.methods.table import METHODS, find_critic, untrained
from tt_bench.report.maze_picture import draw_maze
from tt_bench.runs.experiment import Experiment
from tt_bench.runs.run_config import Run
from tt_bench.tasks.maze_map import MazeMap, grid, open_maze, visited, walls

_TITLES = {"tt": "TT", "tt+q": "TT+Q"}
_FINENESS = 24  # points a cell, along each axis
_AT_REST = 4  # numbers of an observation that is a position and a speed
_NEIGHBOURS = 20_000  # data among which the nearest is sought
_BLOCK = 1_024


def draw_plans(experiment: Experiment, track: Track) -> Path | None:
    """Write `plan.png`: an episode of seed 0 by TT and TT+Q, over the critic's V.

    Returns:
        The file, or None if not both methods were run, the environment is no maze,
        or a trained model is gone.
    """
    methods = [name for name in _TITLES if name in experiment.config.methods]
    contexts = [experiment.context(Run(name, 0), silent) for name in methods]
    if len(methods) < len(_TITLES) or any(map(untrained, contexts, methods)):
        return None
    maze, _ = open_maze(experiment.dataset, episode_seeds(0, 1)[0])
    if maze is None:
        return None
    critic = find_critic(contexts[-1]).critic
    observations = experiment.dataset.episodes.observations
    path = experiment.store.folder / "plan.png"
    draw_maze(
        maze,
        value_map(maze, critic.v, observations),
        {_TITLES[name]: _play(experiment, name, track) for name in methods},
        path,
        title=experiment.dataset.name,
        values_name=f"critic's V, {_elsewhere(observations)}",
    )
    return path


def _play(experiment: Experiment, method: str, track: Track) -> Rollout:
    """Play the first episode of the method's run with seed 0."""
    agent: Any = METHODS[method].prepare(experiment.context(Run(method, 0), silent))
    steps = experiment.task.steps
    env = experiment.dataset.make_env()
    try:
        with track(f"{method} seed 0, an episode to draw", steps) as advance:
            return play(
                agent.agent,
                env,
                seed=episode_seeds(0, 1)[0],
                steps=steps,
                on_step=lambda step: advance(step, ""),
            )
    finally:
        env.close()


def value_map(
    maze: MazeMap, value: Callable[[Any], torch.Tensor], observations: FloatArray
) -> NDArray[np.float32]:
    """Evaluate a value [N, Do] -> [N] over a maze, NaN in walls: [Y, X].

    NaN as well where no observation is near by, such as in a goal that ends episodes:
    no transition starts there, so that a value learned from them is a guess.

    What an observation has besides x and y is zero where that is the speed alone,
    else that of the nearest among the observations [M, Do].
    """
    points = grid(maze, _FINENESS)
    known = visited(maze, _FINENESS, observations[:, :2]) & ~walls(maze, _FINENESS)
    found = np.full(known.shape, np.nan, np.float32)
    places = complete(points[known], observations)
    found[known] = value(places).float().cpu().numpy()
    return found


def complete(xy: FloatArray, observations: FloatArray) -> FloatArray:
    """Fill positions [N, 2] up to observations [N, Do] that are known or at rest."""
    full = np.zeros((len(xy), observations.shape[1]), np.float32)
    if observations.shape[1] > _AT_REST:
        every = -(-len(observations) // _NEIGHBOURS)
        full[:] = _nearest(xy, observations[::every])
    full[:, :2] = xy
    return full


def _nearest(xy: FloatArray, observations: FloatArray) -> FloatArray:
    """Find the observation nearest to each position: [N, 2] to [N, Do]."""
    known = torch.from_numpy(np.ascontiguousarray(observations[:, :2]))
    blocks = torch.split(torch.from_numpy(xy), _BLOCK)
    rows = torch.cat([torch.cdist(block, known).argmin(1) for block in blocks])
    chosen: FloatArray = observations[rows.numpy()]
    return chosen


def _elsewhere(observations: FloatArray) -> str:
    small = observations.shape[1] <= _AT_REST
    return "at rest" if small else "the rest as in the nearest observation"
