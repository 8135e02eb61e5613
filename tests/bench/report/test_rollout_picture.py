"""Pictures of plans against time."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from tt_bench.evaluation.rollout import Foreseen, Rollout
from tt_bench.report.rollout_picture import choose_numbers, draw_rollout

STEPS, HORIZON = 30, 4


def rollout() -> Rollout:
    draws = np.random.default_rng(0)
    plans = tuple(
        Foreseen(
            step,
            draws.normal(size=(1, HORIZON, 6)).astype(np.float32),
            draws.normal(size=(1, HORIZON)).astype(np.float32),
        )
        for step in range(0, STEPS, 2)
    )
    seen = draws.normal(size=(STEPS + 1, 6)).astype(np.float32)
    return Rollout(seen, np.arange(STEPS, dtype=np.float32), plans)


def test_the_picture_is_a_png_of_its_size(tmp_path: Path) -> None:
    path = tmp_path / "rollout.png"
    draw_rollout(rollout(), {"height": 0, "speed": 5}, path, title="a $ b_c")
    height, width, _ = imread(path).shape
    assert (width, height) == (1200, 620)


def test_plans_begin_at_their_steps_over_what_happened(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    played = rollout()
    draw_rollout(played, {"speed": 5}, tmp_path / "x.png", title="", moments=5)
    speed, reward = drawn[0].axes
    assert (speed.get_ylabel(), reward.get_ylabel()) == ("speed", "reward")
    for panel, happened, planned in (
        (
            speed,
            played.observations[:, 5],
            [p.observations[0, :, 5] for p in played.plans],
        ),
        (reward, played.rewards, [p.rewards[0] for p in played.plans]),
    ):
        lines = [np.asarray(line.get_xydata()) for line in panel.lines]
        np.testing.assert_array_equal(lines[0][:, 1], happened)
        long = [line for line in lines[1:] if len(line) == HORIZON]
        assert [line[0, 0] for line in long] == [0, 6, 12, 18, 24]
        for line in long:
            np.testing.assert_array_equal(line[:, 1], planned[int(line[0, 0]) // 2])


def test_numbers_are_named_where_the_environment_is_known() -> None:
    hopper = {"height [m]": 0, "angle [rad]": 1, "forward velocity [m/s]": 5}
    assert choose_numbers("Hopper-v5", 11) == hopper
    assert choose_numbers("Hopper-v5", 11, [5, 7]) == {
        "forward velocity [m/s]": 5,
        "number 7": 7,
    }
    assert choose_numbers("Unknown-v0", 2) == {"number 0": 0, "number 1": 1}
    assert choose_numbers("tt/PointMaze-UMaze-v0", 4) == {
        "x [m]": 0,
        "y [m]": 1,
    }
    with pytest.raises(ValueError, match=r"0 to 10, got \[11\]"):
        choose_numbers("Hopper-v5", 11, [0, 11])


def test_a_reward_planned_far_outside_does_not_flatten_those_received(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    played = rollout()
    played.plans[0].rewards[0, -1] = -1e4
    draw_rollout(played, {"height": 0}, tmp_path / "x.png", title="")
    assert drawn[0].axes[-1].get_ylim()[0] == -(STEPS - 1)
