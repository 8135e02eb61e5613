"""Published scores: the paper's own averages, and how they are set beside ours."""

import io

import numpy as np
import pytest
from rich.console import Console

from tt_bench.catalogue import d4rl_entries
from tt_bench.cli.messages import published_names
from tt_bench.report.comparison import print_published
from tt_bench.report.published_scores import published
from tt_bench.results.result import RunResult

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
    averages = {"BC": 50.40, "10% BC": 69.29, "TD3+BC": 76.45, "CQL": 78.28}
    averages |= {"IQL": 81.63, "ReBRAC": 89.74, "Decision Transformer": 73.84}
    for method, average in averages.items():
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


def run_of(method: str, name: str, environment: str, transitions: int) -> RunResult:
    return RunResult(
        method=method,
        seed=0,
        environment={"id": environment},
        dataset={
            "name": name,
            "source": "a drawer",
            "transitions": transitions,
            "episodes": 9,
        },
        settings={"tokenizer": {"kind": "uniform" if "uni" in method else "quantile"}},
        budget={"steps": 0, "minutes": 0.0},
        seconds={},
        returns=[1.0],
        lengths=[1],
        successes=None,
        scores=[1.0],
        reference=[0.0, 100.0],
    )


def printed(
    name: str, environment: str, transitions: int = 999_906, **scores: str
) -> str:
    text = io.StringIO()
    methods = [name.replace("_", "-") for name in scores] or ["random"]
    results = [run_of(each, name, environment, transitions) for each in methods]
    print_published(
        Console(file=text, width=100),
        results,
        dict(zip(methods, scores.values(), strict=False)),
        published_names(results),
    )
    return text.getvalue()


def row_of(text: str, method: str) -> list[str]:
    """Return the first row of a method: that of the paper."""
    row = next(line for line in text.splitlines() if line.startswith(f"| {method} "))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_both_sides_are_told_before_the_scores() -> None:
    text = printed("hopper-medium-v2", "Hopper-v4")
    head, table = text.split("| published")
    ours = "ours: environment Hopper-v4, data D4RL's hopper-medium-v2; from a drawer"
    assert ours in head
    assert "not D4RL" not in head
    assert "environment d4rl's hopper-medium-v2, mujoco-py, data D4RL hopper" in head
    assert "arXiv 2106.02039" in head
    assert "61.1 +- 3.6" in table
    assert "[1]" in table
    assert "+- is the standard deviation over training seeds" in head


def test_our_score_is_beside_that_of_the_same_method_with_its_side() -> None:
    scores = {"bc": "50.1 +- 0.3", "tt": "60.2", "tt_uniform": "55.5 +- 1.0"}
    text = printed("halfcheetah-medium-v2", "HalfCheetah-v4", 1_000_000, **scores)
    assert row_of(text, "BC")[2:] == ["[1]", "bc 50.1 +- 0.3", "[0]"]
    assert row_of(text, "TT (quantile)")[2:] == ["[1]", "tt 60.2", "[0]"]
    assert row_of(text, "TT (uniform)")[3:] == ["tt-uniform 55.5 +- 1.0", "[0]"]
    assert row_of(text, "MBOP")[3:] == ["-", ""]


def test_ours_is_matched_by_the_bins_that_it_was_run_with() -> None:
    run = run_of("tt", "hopper-medium-v2", "Hopper-v4", 999_906)
    run.settings["tokenizer"]["kind"] = "uniform"
    text = io.StringIO()
    names = published_names([run])
    print_published(Console(file=text, width=100), [run], {"tt": "9.5"}, names)
    assert row_of(text.getvalue(), "TT (uniform)")[3:] == ["tt 9.5", "[0]"]
    assert row_of(text.getvalue(), "TT (quantile)")[3:] == ["-", ""]


def test_a_file_of_d4rls_name_with_other_transitions_is_marked() -> None:
    text = printed("hopper-medium-v2", "Hopper-v5", 150_228)
    assert "which is not D4RL's data: 150,228 transitions, D4RL's has 999,906" in text
    assert "data D4RL's" not in text
    text = printed("hopper_medium-v2.hdf5", "Hopper-v5", 150_228)
    assert "not D4RL's data" in text
    text = printed("hopper-medium-v2", "Hopper-v5", 1_000_000)
    assert "data D4RL's hopper-medium-v2" in text, "but for an episode at the end"


def test_where_d4rls_transitions_are_not_known_the_name_is_all_that_is_said() -> None:
    text = printed("ant-medium-v2", "Ant-v4", 123_456)
    assert "under D4RL's name ant-medium-v2, 123,456 transitions" in text
    assert "data D4RL's" not in text


def test_data_named_like_d4rls_is_marked() -> None:
    text = printed("hopper-medium-replay-sac.hdf5", "Hopper-v5")
    assert "data hopper-medium-replay-sac.hdf5, which is not D4RL's data" in text
    assert "scores of hopper-medium-replay-v2" in text


@pytest.mark.parametrize("name", ["tt/pendulum/mixed-v0", "mine.hdf5", "ant-random-v2"])
def test_where_nothing_is_published_nothing_is_printed(name: str) -> None:
    assert published(name) == ()
    assert printed(name, "Any-v0") == ""
