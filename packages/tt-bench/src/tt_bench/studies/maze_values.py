"""Hold a critic's V against what a table learns and the shortest ways to the goal."""

from functools import partial
from pathlib import Path

import attrs
import numpy as np
from numpy.typing import NDArray

from tt_bench.data import SOURCES, Source, collect, make_collector
from tt_bench.evaluation import episode_seeds, evaluate
from tt_bench.files import how_to_mend, read_json, write_json
from tt_bench.interface import FloatArray, Notify, working
from tt_bench.methods import CRITIC, Context, find_critic, is_trained, model_folder
from tt_bench.studies.data_ways import learn_values, search_data
from tt_bench.studies.maze_ways import way_lengths, ways_to_goal
from tt_bench.tasks import SUCCESS_RADIUS, open_maze

_STATES = 100
_SEED = 1_000_003  # apart from that of every dataset
_COLLECTED = 100 * _STATES
_DRIVES = 3  # of the expert, that tell how far a step goes
# By the observation's size: columns of place and speed, and the sides of a box.
_BOXES = {
    4: ([0, 1, 2, 3], [0.1, 0.1, 0.5, 0.5]),
    29: ([0, 1, 15, 16], [0.2, 0.2, 0.5, 0.5]),
}


@attrs.frozen
class Agreement:
    """How V correlates with what is found without a network.

    Attributes:
        table: with V that a table learns from the same data with the same expectile.
        data: with discount to the power of the steps left, along the shortest way that
            transitions of the data make together.
        maze: the same along the shortest way through the maze, at the expert's pace.
    """

    table: float
    data: float
    maze: float


def check_values(context: Context) -> Agreement | None:
    """Correlate V of a trained critic with a table's and with the steps to the goal.

    The states are 100 of newly collected episodes, that the critic never saw. What was
    found is kept beside the critic.

    Args:
        context: the critic's data, settings and seed.

    Returns:
        None where the critic is not there, the data isn't made here in a maze that ends
        in its goal, or none of it reaches that.
    """
    source = SOURCES.get(context.dataset.name)
    if source is None or source.wrap is None:
        return None
    if not context.dataset.episodes.terminated.any() or not is_trained(context, CRITIC):
        return None
    path = model_folder(context, CRITIC) / "values.json"
    if path.exists():
        return _read_agreement(path)
    observations = _unseen(source, context.notify)
    values = find_critic(context).critic.v(observations).double().cpu().numpy()
    table, in_data = _by_the_data(context, observations)
    in_maze = _steps_in_maze(context, source, observations)
    discount = context.recipe.discount
    found = Agreement(
        table=_correlation(values, table),
        data=_correlation(values, discount**in_data),
        maze=_correlation(values, discount**in_maze),
    )
    write_json(path, attrs.asdict(found))
    return found


def _read_agreement(path: Path) -> Agreement:
    """Read what was found before.

    Raises:
        ValueError: the file is damaged; the message names it.
    """
    kept, names = read_json(path), [field.name for field in attrs.fields(Agreement)]
    numbers = [kept.get(name) for name in names]
    if set(kept) != set(names) or not all(isinstance(n, float) for n in numbers):
        raise ValueError(f"{path}: not what was found of V; {how_to_mend(path)}")
    return Agreement(**kept)


def _unseen(source: Source, notify: Notify) -> FloatArray:
    """Collect anew and draw states from all over the episodes: [N, Do]."""
    with working(notify, "new states to check V at", _COLLECTED) as advance:
        episodes = collect(
            source.behaviour(),
            partial(make_collector, source),
            transitions=_COLLECTED,
            seed=_SEED,
            progress=lambda done, _: advance(done, ""),
        )
    rows = np.random.default_rng(_SEED).choice(len(episodes), _STATES, replace=False)
    drawn: FloatArray = episodes.observations[np.sort(rows)]
    return drawn


def _by_the_data(
    context: Context, observations: FloatArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return V that a table learns at observations, and the steps to the goal: [N]."""
    episodes, recipe = context.episodes, context.recipe
    columns, sides = _BOXES[observations.shape[1]]
    ways = search_data(
        episodes.observations[:, columns],
        episodes.next_observations()[:, columns],
        episodes.terminations(),
        np.array(sides),
    )
    table = learn_values(
        ways, discount=recipe.discount, expectile=recipe.critic.expectile
    )
    states = observations[:, columns]
    return table.look_up(states), ways.steps.look_up(states)


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def _steps_in_maze(
    context: Context, source: Source, observations: FloatArray
) -> NDArray[np.float64]:
    """Return how many transitions the expert's shortest way from each state takes."""
    dataset = context.dataset
    maze, start = open_maze(dataset.make_env, episode_seeds(0, 1)[0])
    if maze is None:
        raise ValueError(f"expected a maze, {dataset.env_id} is none")
    lengths = ways_to_goal(maze, SUCCESS_RADIUS)
    driven = evaluate(source.expert(), dataset.make_env, range(_DRIVES)).lengths.mean()
    pace = way_lengths(maze, lengths, start[None, :2])[0] / driven
    pace *= context.recipe.chunk  # as the discount counts
    steps: NDArray[np.float64] = way_lengths(maze, lengths, observations[:, :2]) / pace
    return steps
