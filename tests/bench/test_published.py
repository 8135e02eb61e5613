"""Published scores: the paper's own averages, and how they are set beside ours."""

import io

import numpy as np
import pytest
from rich.console import Console

from tt_bench._comparison import print_published
from tt_bench._d4rl import d4rl_entries
from tt_bench._published import published

NINE = [
    f"{env}-{kind}-v2"
    for env in ("hopper", "halfcheetah", "walker2d")
    for kind in ("medium", "medium-replay", "medium-expert")
]
MAZES = ["umaze", "medium-play", "medium-diverse", "large-play", "large-diverse"]


def score(name: str, method: str, source: str) -> float:
    (row,) = [
        row
        for row in published(name)
        if row.method == method and row.source.startswith(source)
    ]
    return row.score


@pytest.mark.parametrize(
    ("method", "average"),
    [
        ("BC", 47.7),
        ("MBOP", 47.8),
        ("CQL", 77.6),
        ("Decision Transformer", 74.7),
        ("TT (uniform)", 72.6),
        ("TT (quantile)", 78.9),
    ],
)
def test_locomotion_has_the_averages_of_the_paper(method: str, average: float) -> None:
    scores = [score(name, method, "arXiv 2106.02039") for name in NINE]
    assert np.mean(scores) == pytest.approx(average, abs=0.05)


@pytest.mark.parametrize(
    ("method", "average"),
    [("TT+Q", 84.0), ("IQL", 63.2), ("Decision Transformer", 11.8), ("BC", 10.9)],
)
def test_ant_mazes_have_the_averages_of_the_paper(method: str, average: float) -> None:
    names = [f"antmaze-{maze}-v2" for maze in MAZES]
    scores = [score(name, method, "arXiv 2106.02039") for name in names]
    assert np.mean(scores) == pytest.approx(average, abs=0.05)


def test_later_methods_have_the_averages_of_their_table() -> None:
    for method, average in (("IQL", 81.63), ("ReBRAC", 89.74)):
        scores = [score(name, method, "CORL") for name in NINE]
        assert np.mean(scores) == pytest.approx(average, abs=0.01)


def test_every_row_names_its_side() -> None:
    rows = [row for name in d4rl_entries() for row in published(name)]
    assert len(rows) > 100
    for row in rows:
        assert "d4rl's" in row.environment
        assert row.data.startswith("D4RL ")
        assert row.source
    assert {row.data for row in published("antmaze-umaze-v2")} == {
        "D4RL antmaze-umaze-v0",
        "D4RL antmaze-umaze-v2",
    }


def printed(name: str, environment: str) -> str:
    text = io.StringIO()
    print_published(Console(file=text, width=100), name, environment)
    return text.getvalue()


def test_both_sides_are_told_before_the_scores() -> None:
    text = printed("hopper-medium-v2", "Hopper-v4")
    head, table = text.split("| published")
    assert "ours: environment Hopper-v4, data D4RL's hopper-medium-v2" in head
    assert "not D4RL" not in head
    assert "environment d4rl's hopper-medium-v2, mujoco-py, data D4RL hopper" in head
    assert "arXiv 2106.02039" in head
    assert "61.1 +- 3.6" in table
    assert "[1]" in table
    assert "+- is the standard deviation over training seeds" in head


def test_data_named_like_d4rls_is_marked() -> None:
    text = printed("hopper-medium-replay-sac.hdf5", "Hopper-v5")
    assert "data hopper-medium-replay-sac.hdf5, which is not D4RL's data" in text
    assert "scores of hopper-medium-replay-v2" in text


@pytest.mark.parametrize("name", ["tt/pendulum/mixed-v0", "mine.hdf5", "ant-random-v2"])
def test_where_nothing_is_published_nothing_is_printed(name: str) -> None:
    assert published(name) == ()
    assert printed(name, "Any-v0") == ""
