"""Draw how a critic's policy acts in a maze, and how TT and TT+Q plan there.

Axes: N points, M data, Do observation numbers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tt_bench.evaluation import Rollout, episode_seeds, record
from tt_bench.interface import FloatArray, working
from tt_bench.methods import IQL, TT, TT_AND_Q, Context, Method, find_critic
from tt_bench.report import draw_maze
from tt_bench.tasks import MazeMap, grid, open_maze, visited, walls

_FINENESS = 24  # points a cell, along each axis
_AT_REST = 4  # numbers of an observation that is a position and a speed
_NEIGHBOURS = 20_000  # data among which the nearest is sought
_BLOCK = 1_024


def draw_plans(
    iql: Context, tt: Context, tt_and_q: Context, path: Path
) -> dict[str, float]:
    """Write a picture of an episode by IQL, by TT and by TT+Q, over the critic's V.

    Args:
        iql: the data, settings and seed of the critic's own policy.
        tt: those of the transformer with value tokens.
        tt_and_q: those of the one with a critic.
        path: of the picture.

    Returns:
        What the three episodes, from the same start, returned.

    Raises:
        ValueError: the environment is no maze.
    """
    maze, _ = open_maze(tt.dataset.make_env, episode_seeds(tt.seed, 1)[0])
    if maze is None:
        raise ValueError(
            f"expected a maze, {tt.dataset.env_id} is none: choose a --dataset such as "
            "tt/pointmaze/large-sparse-v0"
        )
    critic = find_critic(tt_and_q).critic
    observations = tt.dataset.episodes.observations
    rows = {"IQL": (IQL, iql), "TT": (TT, tt), "TT+Q": (TT_AND_Q, tt_and_q)}
    played = {title: _play(title, *row) for title, row in rows.items()}
    draw_maze(
        maze,
        value_map(maze, critic.v, observations),
        played,
        path,
        title=tt.dataset.name,
        values_name=f"critic's V, {_elsewhere(observations)}",
    )
    return {title: float(one.rewards.sum()) for title, one in played.items()}


def _play(title: str, method: Method, context: Context) -> Rollout:
    """Play the first episode of the run of a method."""
    agent: Any = method.prepare(context).agent
    name = f"{title} seed {context.seed}, an episode to draw"
    env = context.dataset.make_env()
    try:
        with working(context.notify, name, context.task.steps) as advance:
            return record(
                agent,
                env,
                seed=episode_seeds(context.seed, 1)[0],
                steps=context.task.steps,
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
