"""What leads to goals, cut out of episodes that had none in mind."""

import attrs
import numpy as np

from tt_bench.data.episodes import Episodes
from tt_bench.interface import BoolArray, FloatArray
from tt_bench.studies.goal_data import with_goals
from tt_bench.studies.goals import reach
from tt_bench.tasks import SeenGoal
from tt_bench.tasks.maze import FOUR_ROOMS, cells_to_xy, xy_to_cells
from tt_bench.tasks.point_driver import DriveConfig, WaypointDriver
from tt_bench.tasks.point_maze import PointMaze
from tt_bench.tasks.seen_goals import unseen_pairs


def walk(steps: int) -> Episodes:
    """Go round the upper left room, two episodes of so many steps."""
    ring = [(1, 1), (1, 2), (1, 3), (2, 3), (3, 3), (3, 2), (3, 1), (2, 1)]
    places = cells_to_xy(FOUR_ROOMS, [ring[n % 8] for n in range(steps + 1)])
    seen = np.hstack([places, np.zeros_like(places)])
    return Episodes(
        observations=np.vstack([seen[:-1], seen[:-1]]),
        actions=np.arange(4 * steps).reshape(-1, 2) / 100,
        rewards=np.ones(2 * steps),
        ends=np.array([steps, 2 * steps]),
        terminated=np.array([False, True]),
        final_observations=np.vstack([seen[-1:], seen[-1:]]),
    )


def test_a_goal_is_where_the_segment_ends() -> None:
    episodes = walk(8)
    found = with_goals(episodes, FOUR_ROOMS, longest=3, every=4)
    assert found.lengths.tolist() == [3, 3, 3, 3], "near pairs are never kept apart"
    rows = [*range(1, 4), *range(5, 8), *range(9, 12), *range(13, 16)]
    np.testing.assert_array_equal(found.actions, episodes.actions[rows])
    np.testing.assert_array_equal(
        found.observations[:, 2:], episodes.observations[rows]
    )
    goals = episodes.next_observations()[[3, 7, 11, 15], :2]
    np.testing.assert_array_equal(found.observations[::3, :2], goals)
    np.testing.assert_array_equal(found.final_observations[:, :2], goals)
    np.testing.assert_array_equal(found.final_observations[:, 2:4], goals)
    assert not found.rewards.any()
    assert not found.terminated.any()


def test_no_segment_shows_a_goal_from_a_cell_that_is_kept_apart() -> None:
    draws = np.random.default_rng(0)
    cells = draws.integers(1, 8, (4_000, 2))  # everywhere, walls too
    seen = np.hstack([cells_to_xy(FOUR_ROOMS, cells), np.zeros((4_000, 2))])
    episodes = Episodes(
        observations=seen,
        actions=np.zeros((4_000, 2)),
        rewards=np.zeros(4_000),
        ends=np.arange(400, 4_001, 400),
        terminated=np.zeros(10, np.bool_),
        final_observations=[*seen[400::400].tolist(), seen[0].tolist()],
    )
    found = with_goals(episodes, FOUR_ROOMS, longest=50, every=10)
    goal = xy_to_cells(FOUR_ROOMS, found.observations[:, :2])
    cell = xy_to_cells(FOUR_ROOMS, found.observations[:, 2:4])
    assert not unseen_pairs(FOUR_ROOMS)[(*cell.T, *goal.T)].any()
    assert len(set(found.lengths.tolist())) > 5, "none was cut short"


@attrs.define
class Expert:
    """Drive to the goal that is seen."""

    driver: WaypointDriver

    def start(self, count: int, seed: int, /) -> None:
        self.driver.start(count, seed)

    def act(self, observations: FloatArray, active: BoolArray, /) -> FloatArray:
        self.driver._route.goals = observations[:, :2].astype(np.float64)
        return self.driver.act(observations[:, 2:], active)

    def observe(
        self, actions: FloatArray, rewards: FloatArray, active: BoolArray, /
    ) -> None:
        pass


def test_who_knows_the_way_reaches_every_goal_in_time() -> None:
    envs = [SeenGoal(PointMaze("fourrooms", terminate=True)) for _ in range(4)]
    driver = WaypointDriver(FOUR_ROOMS, DriveConfig(noise=0.0), wander=False)
    seen: list[tuple[int, str]] = []
    seeds = [3, 4, 5, 6]
    ways = reach(Expert(driver), [*envs], seeds, lambda *told: seen.append(told))
    assert ways.reached.all()
    assert seen[-1] == (len(seen), "4 reached")
    assert max(map(len, ways.places)) == len(seen) + 1 < 200
    for way, goal in zip(ways.places, ways.goals, strict=True):
        assert np.linalg.norm(way[-1] - goal) <= 0.5 < np.linalg.norm(way[0] - goal)
