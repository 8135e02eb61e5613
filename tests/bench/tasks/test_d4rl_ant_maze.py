"""Ant mazes as D4RL's files have them."""

from pathlib import Path

import gymnasium as gym
import h5py
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from tt_bench.catalogue import d4rl_entries
from tt_bench.data.load import load_dataset
from tt_bench.tasks.d4rl_ant_maze import D4rlAntMaze
from tt_bench.tasks.maze import TITLES
from tt_bench.tasks.maze_map import find_map

# The maps of D4RL's environments for evaluation, R where the ant starts, G its goal.
MAPS = {
    "umaze": ("#####", "#R..#", "###.#", "#G..#", "#####"),
    "medium": (
        "########",
        "#R.##..#",
        "#..#...#",
        "##...###",
        "#..#...#",
        "#.#..#.#",
        "#...#.G#",
        "########",
    ),
    "large": (
        "############",
        "#R...#.....#",
        "#.##.#.#.#.#",
        "#......#...#",
        "#.####.###.#",
        "#..#.#.....#",
        "##.#.#.#.###",
        "#..#...#.G.#",
        "############",
    ),
}
STEPS = {"umaze": 700, "medium": 1000, "large": 1000}
GOALS = {"umaze": (0.0, 8.0), "medium": (20.0, 20.0), "large": (32.0, 24.0)}
STILL = np.zeros(8, np.float32)


def squares(maze: str, kinds: str) -> set[tuple[float, float]]:
    """Place the squares of a kind by D4RL's rule: the start is the origin."""
    rows = MAPS[maze]
    return {
        (4.0 * (column - 1), 4.0 * (row - 1))
        for row, line in enumerate(rows)
        for column, square in enumerate(line)
        if square in kinds
    }


def stand(env: D4rlAntMaze, xy: tuple[float, float]) -> None:
    position = env._ant.init_qpos.copy()
    position[:2] = env._origin + xy
    env._ant.set_state(position, np.zeros(14))


@pytest.mark.filterwarnings("ignore:.*A Box observation space.*")
@pytest.mark.parametrize("entry", [e for e in d4rl_entries() if "antmaze" in e])
def test_each_of_d4rls_mazes_is_played_by_gymnasiums_rules(entry: str) -> None:
    maze = entry.split("-")[1]
    env = gym.make(d4rl_entries()[entry].env_id)
    assert env.spec is not None
    assert env.spec.max_episode_steps == STEPS[maze]
    assert isinstance(env.unwrapped, D4rlAntMaze)
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


@pytest.mark.parametrize("maze", MAPS)
def test_walls_stand_where_d4rl_has_them(maze: str) -> None:
    env = D4rlAntMaze(maze)
    model = env._ant.model
    boxes = [
        geom
        for geom in map(model.geom, range(model.ngeom))
        if geom.size.tolist() == [2.0, 2.0, 1.0]
    ]
    seen = {tuple((box.pos[:2] - env._origin).tolist()) for box in boxes}
    assert seen == squares(maze, "#")


@pytest.mark.parametrize("maze", MAPS)
def test_the_ant_starts_at_the_origin_and_the_goal_is_near_its_cell(maze: str) -> None:
    env = D4rlAntMaze(maze)
    begins = np.array([env.reset(seed=seed)[0] for seed in range(30)])
    assert 0.05 < np.abs(begins[:, :2]).max() <= 0.1
    goals = []
    for seed in range(200):
        env.reset(seed=seed)
        goals.append(env.goal - GOALS[maze])
    away = np.array(goals)
    assert away.min() >= 0.0
    assert 1.2 < away.max() <= 1.5
    np.testing.assert_allclose(away.mean(axis=0), 0.75, atol=0.1)
    assert env._ant.model.site("target").pos[:2].tolist() == (
        (env.goal + env._origin).tolist()
    )


def test_start_and_goal_can_be_chosen() -> None:
    env = D4rlAntMaze("large")
    begin, _ = env.reset(seed=0, options={"start": (8.0, 0.5), "goal": (12.0, 4.0)})
    np.testing.assert_allclose(begin[:2], (8.0, 0.5), atol=0.1)
    assert env.goal.tolist() == [12.0, 4.0]
    stand(env, (12.3, 4.0))
    assert env.step(STILL)[1:3] == (1.0, True)
    drawn, _ = env.reset(seed=0)
    np.testing.assert_allclose(drawn[:2], (0.0, 0.0), atol=0.1)
    assert np.abs(env.goal - GOALS["large"]).max() <= 1.5


@pytest.mark.parametrize("maze", MAPS)
def test_the_map_is_found_where_the_walls_stand(maze: str) -> None:
    env = gym.make(f"tt/AntMaze-{TITLES[maze]}-D4RL-v2")
    env.reset(seed=0)
    found = find_map(env)
    assert found is not None
    np.testing.assert_allclose(found.goal, np.array(GOALS[maze]) + 0.75)
    left, _, _, top = found.extent
    height, width = len(found.rows), len(found.rows[0])
    blocked = {
        (left + 4.0 * (column + 0.5), top - 4.0 * (row + 0.5))
        for row in range(height)
        for column in range(width)
        if found.rows[row][column] == "#"
    }
    assert blocked == squares(maze, "#")


def test_an_action_is_thirty_newton_metres_for_a_tenth_of_a_second() -> None:
    env = D4rlAntMaze("umaze")
    env.reset(seed=0)
    before = env._ant.data.time
    env.step(np.full(8, 2.0, np.float32))  # clipped to 1
    assert env._ant.data.time - before == pytest.approx(0.1)
    np.testing.assert_allclose(env._ant.data.qfrc_actuator[6:], 30.0)
    model = env._ant.model
    np.testing.assert_allclose(
        model.geom_solimp[:, :3], [[0.8, 0.8, 0.01]] * model.ngeom
    )
    hips, ankles = model.jnt_range[1::2], model.jnt_range[2::2]
    np.testing.assert_allclose(np.degrees(hips), [[-30, 30]] * 4)
    expected = [[30, 70], [-70, -30], [-70, -30], [30, 70]]
    np.testing.assert_allclose(np.degrees(ankles), expected)
    torso = 4 / 3 * np.pi * 0.25**3 * 5.0  # a ball of 0.25 m, 5 kg a cubic metre
    np.testing.assert_allclose(model.body("torso").mass, torso, rtol=1e-6)


def test_the_goal_ends_the_episode_and_moves_with_each_reset() -> None:
    env = D4rlAntMaze("umaze")
    env.reset(seed=0)
    first = env.goal.copy()
    stand(env, (first[0] + 0.45, first[1]))
    _, reward, terminated, truncated, _ = env.step(STILL)
    assert (reward, terminated, truncated) == (1.0, True, False)
    env.reset(seed=1)
    stand(env, (env.goal[0] + 0.6, env.goal[1]))
    assert env.step(STILL)[1:4] == (0.0, False, False)
    assert not np.allclose(env.goal, first)


def test_observations_are_in_d4rls_plane() -> None:
    env = D4rlAntMaze("medium")
    env.reset(seed=0)
    stand(env, (4.0, 0.5))
    seen = env.step(STILL)[0]
    assert seen.shape == (29,)
    np.testing.assert_allclose(seen[:2], (4.0, 0.5), atol=0.05)


@pytest.mark.parametrize("maze", MAPS)
def test_an_ant_anywhere_in_d4rls_data_is_in_no_wall(maze: str) -> None:
    env = D4rlAntMaze(maze)
    env.reset(seed=0)
    for cell in squares(maze, "RG."):
        stand(env, cell)
        env._ant.do_simulation(STILL, 1)
        assert not len(env._ant.data.contact.geom), "above the floor, touching nothing"
    stand(env, next(iter(squares(maze, "#"))))
    env._ant.do_simulation(STILL, 1)
    assert len(env._ant.data.contact.geom)


def test_a_file_of_d4rls_mazes_is_played_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("D4RL_DATASET_DIR", str(tmp_path))
    entry = d4rl_entries()["antmaze-medium-play-v2"]
    observations = np.zeros((40, 29), np.float32)
    observations[:, :2] = np.linspace((0.0, 0.0), (20.0, 20.0), 40)
    flags = np.zeros(40, bool)
    with h5py.File(tmp_path / entry.file, "w") as file:
        file["observations"] = observations
        file["actions"] = np.zeros((40, 8), np.float32)
        file["rewards"] = (np.arange(40) == 39).astype(np.float32)
        file["terminals"] = np.arange(40) == 39
        file["timeouts"] = flags
    dataset = load_dataset("antmaze-medium-play-v2")
    env = dataset.make_env()
    assert isinstance(env.unwrapped, D4rlAntMaze)
    begin, _ = env.reset(seed=0)
    places = dataset.episodes.observations[:, :2]
    np.testing.assert_allclose(begin[:2], places[0], atol=0.1)
    goal = env.unwrapped.goal
    assert np.abs(goal - places[-1]).max() <= 1.5
    assert dataset.reference == (0.0, 1.0)
