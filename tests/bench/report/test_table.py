import io
import math
from typing import Any

import pytest
from bench.made_results import made
from rich.console import Console

from tt_bench.report.table import print_report, print_suite, tabulate
from tt_bench.results.result import RunResult
from tt_bench.results.summary import summarise


def run_of(
    method: str, seed: int, scores: list[float] | None, **more: Any
) -> RunResult:
    return made(method, seed, scores, **({"settings": {}} | more))


def printed(results: list[RunResult], width: int = 120, **references: str) -> str:
    text = io.StringIO()
    names = {"bc": "BC"}
    print_report(Console(file=text, width=width), results, references, names)
    return text.getvalue()


def test_the_error_of_several_runs_is_over_their_means() -> None:
    runs = [run_of("tt", s, [m - 5, m + 5]) for s, m in enumerate((10.0, 20.0, 60.0))]
    row = summarise(runs)
    assert row.mean == pytest.approx(30.0)
    # means 10, 20, 60: deviations -20, -10, 30, so variance 1400 / 2
    assert row.error == pytest.approx(math.sqrt(700 / 3))
    assert (row.runs, row.episodes, row.over) == (3, 2, "3 seeds")
    assert row.wall == pytest.approx(3.0)


def test_the_error_of_a_single_run_is_over_its_episodes() -> None:
    row = summarise([run_of("random", 0, [0.0, 2.0, 4.0, 6.0])])
    assert row.error == pytest.approx(math.sqrt(20 / 3) / 2)
    assert row.over == "4 episodes"


def test_a_single_number_has_no_error() -> None:
    assert math.isnan(summarise([run_of("tt", 0, [3.0])]).error)
    assert "3.0 |" in printed([run_of("tt", 0, [3.0])])


def test_without_references_the_raw_return_is_reported() -> None:
    row = summarise([run_of("tt", 0, None)])
    assert row.mean == row.returned == 2.0
    assert "score" not in printed([run_of("tt", 0, None)])


def test_success_is_the_share_of_all_episodes() -> None:
    runs = [
        run_of("tt", 0, [1.0, 1.0], successes=[True, False]),
        run_of("tt", 1, [1.0, 1.0], successes=[True, True]),
    ]
    assert summarise(runs).success == 0.75
    assert "75 %" in printed(runs)
    assert "success" not in printed([run_of("tt", 0, [1.0])])


def test_the_report_says_what_was_compared_on_what() -> None:
    text = printed(
        [run_of("random", 0, [0.0, 1.0]), run_of("tt", 0, [50.0, 60.0])], random="0"
    )
    for part in ("Made-v0", "made/data-v0", "100,000", "a cupboard", "55.0 +- 5.0"):
        assert part in text
    assert "trained: steps, min" in text
    assert " 1,500, 2.0 |" in text
    assert "expert" in text
    assert "standard error" in text


def test_the_updates_of_a_critic_besides_are_told() -> None:
    settings = {"training": {"steps": 1500}, "critic": {"steps": 20_000}}
    both = run_of("tt+q", 0, [1.0, 2.0], settings=settings)
    assert "| 1,500 + 20,000, 2.0 |" in printed([both])
    alone = run_of("iql", 0, [1.0, 2.0], settings={"critic": {"steps": 1500}})
    text = printed([alone])
    assert " 1,500, 2.0 |" in text
    assert "+ 1,500" not in text


def test_methods_keep_their_order_and_narrow_terminals_lose_no_row() -> None:
    results = [run_of(name, 0, [1.0, 2.0]) for name in ("random", "bc", "tt")]
    text = printed(results, width=80)
    assert text.index("random ") < text.index("bc ") < text.index("tt ")
    assert "1.5 +- 0.5" in text


def test_notes_are_printed() -> None:
    assert "behaviour: from data" in printed(
        [run_of("behaviour", 0, [1.0], note="from data")]
    )


def test_nothing_to_report_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one finished run"):
        tabulate([])


def test_a_suite_is_averaged_over_its_datasets() -> None:
    text = io.StringIO()
    first = [run_of("bc", 0, [10.0]), run_of("tt", 0, [20.0]), run_of("tt", 1, [40.0])]
    second = [run_of("bc", 0, [30.0]), run_of("tt", 0, [60.0]), run_of("tt", 1, [70.0])]
    print_suite(Console(file=text, width=120), [first, second])
    (row,) = [line for line in text.getvalue().splitlines() if "| tt" in line]
    assert "30.0 +- 10.0" in row
    assert "65.0 +- 5.0" in row
    # runs of a dataset are drawn anew: from 20, 20, 60, 60 to 40, 40, 70, 70
    assert [cell.strip() for cell in row.strip("|").split("|")][3:] == [
        *("50.0 [40.0, 55.0]", "47.5 [40.0, 55.0]")
    ]
    assert "minutes" not in text.getvalue()


def test_a_suite_of_single_numbers_has_no_errors() -> None:
    text = io.StringIO()
    suite = [[run_of("bc", 0, [10.0])], [run_of("bc", 0, [30.0])]]
    print_suite(Console(file=text, width=120), suite)
    (row,) = [line for line in text.getvalue().splitlines() if "| bc" in line]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        *("bc", "10.0", "30.0", "20.0, no interval", "20.0, no interval")
    ]


def test_published_scores_are_printed_beside_ours() -> None:
    data = {"name": "hopper-medium-v2", "source": "a file", "episodes": 3}
    more: dict[str, Any] = {
        "dataset": data | {"transitions": 999_906},
        "environment": {"id": "Hopper-v4"},
    }
    runs = [run_of("bc", seed, [40.0 + seed, 42.0 + seed], **more) for seed in (0, 1)]
    row, *_ = [line for line in printed(runs).splitlines() if "| BC " in line]
    assert "bc 41.5 +- 0.5" in row
    row, *_ = [
        line
        for line in printed([run_of("bc", 0, None, **more)]).splitlines()
        if "| BC " in line
    ]
    assert "bc" not in row, "raw returns are no scores"
