import json
from pathlib import Path
from typing import Any

import pytest

from tt_bench.results.result import RunResult, load_result, save_result, versions


def result_of(**changes: Any) -> RunResult:
    given: dict[str, Any] = {
        "method": "tt",
        "seed": 1,
        "environment": {"id": "Pendulum-v1"},
        "dataset": {
            "name": "pendulum",
            "source": "made here",
            "transitions": 7,
            "episodes": 2,
        },
        "settings": {"beam": 16, "scale": 0.1},
        "budget": {"steps": 100, "minutes": 1.5},
        "seconds": {"train": 90.0, "evaluate": 10.0, "plan": 0.1},
        "returns": [1.0, 2.5],
        "lengths": [3, 4],
        "successes": [True, False],
        "scores": None,
        "reference": None,
    }
    return RunResult(**(given | changes))


def test_a_saved_result_is_read_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.json"
    result = result_of()
    save_result(result, path)
    assert load_result(path) == result
    assert [p.name for p in path.parent.iterdir()] == ["run.json"]


def test_versions_name_the_five_packages_and_what_they_stand_on() -> None:
    names = {"tt-bench", "tt-critic", "tt-model", "tt-plan", "tt-tokenize"}
    assert set(versions()) == names | {"torch", "gymnasium", "python"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "tt-bench run", "sch', "cut short"),
        ("", "cut short"),
        ("\x89HDF", "cut short or not JSON"),
        ("[1, 2]", "not the result of a run"),
        ('{"a": 1}', "not the result of a run"),
        ('{"format": "tt-bench run", "schema": 99}', "expected schema 1, got 99"),
        ('{"format": "tt-bench run", "schema": 1}', "missing or unknown entries"),
    ],
)
def test_damaged_and_foreign_files_give_one_error_naming_the_file(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_result(path)
    assert str(path) in str(caught.value)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    save_result(result_of(), path)
    whole = path.read_bytes()
    for size in range(0, len(whole) - 2, 97):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="cut short"):
            load_result(path)


@pytest.mark.parametrize(
    "change",
    [
        {"method": 3},
        {"seed": True},
        {"environment": {}},
        {"environment": {"id": 3}},
        {"dataset": {"name": "a", "source": "b", "transitions": "3", "episodes": 2}},
        {"settings": []},
        {"budget": {"steps": 1}},
        {"budget": {"steps": 1, "minutes": None}},
        {"seconds": {"train": "long"}},
        {"returns": [], "lengths": []},
        {"returns": "12"},
        {"returns": [1.0, None]},
        {"returns": [1.0, [2.0]]},
        {"lengths": [3]},
        {"lengths": [3.0, 4.0]},
        {"successes": []},
        {"successes": [1, 0]},
        {"scores": [1.0]},
        {"scores": [1.0, float("inf")]},
        {"reference": [1.0]},
        {"reference": [1.0, 1.0]},
        {"note": None},
        {"versions": {"torch": 2}},
    ],
)
def test_an_entry_of_another_kind_is_named_with_the_file(
    change: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"expected {next(iter(change))} to be"):
        result_of(**change)
    path = tmp_path / "run.json"
    save_result(result_of(), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(
        ValueError, match=r"run\.json: (expected|holds) .*delete run\.json"
    ):
        load_result(str(path))


def test_returns_that_are_not_finite_are_no_result(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(ValueError, match="finite"):
        save_result(result_of(returns=[float("nan")]), path)
    assert not path.exists()
