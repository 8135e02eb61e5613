"""Files are found by what settings mean, whatever is added to them later."""

import json
from pathlib import Path
from typing import Any

import pytest

from tt_bench.results.result import RunResult, save_result
from tt_bench.results.store import Store, earlier_hash, settings_hash

DEFAULTS: dict[str, Any] = {
    "discount": 0.99,
    "chunk": 1,
    "training": {"steps": 9, "batch": 4, "decay": None},
    "critic": {"steps": 5},
}
SETTINGS: dict[str, Any] = {
    "data": {"name": "made"},
    "seed": 0,
    "discount": 0.5,
    "training": {"steps": 2, "batch": 4, "decay": None},
}


def result_of(method: str, settings: dict[str, Any]) -> RunResult:
    return RunResult(
        method=method,
        seed=0,
        environment={"id": None},
        dataset={"name": "made", "source": "here", "transitions": 1, "episodes": 1},
        settings=settings,
        budget={"steps": 0, "minutes": 0.0},
        seconds={},
        returns=[1.0],
        lengths=[1],
        successes=None,
        scores=None,
        reference=None,
    )


def name(settings: dict[str, Any], **versions: int) -> str:
    return settings_hash(settings, DEFAULTS, versions)


def test_the_hash_depends_on_the_settings_and_not_their_order() -> None:
    turned = dict(reversed(list(SETTINGS.items())))
    assert name(SETTINGS) == name(json.loads(json.dumps(turned)))
    assert len(name(SETTINGS)) == 8


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"discount": 0.99},
        {"data": {"name": "other"}},
        {"training": {"steps": 3, "batch": 4, "decay": None}},
        {"training": {"steps": 2, "batch": 4, "decay": 20.0}},
        {"critic": {"steps": 5}},
    ],
)
def test_every_setting_that_differs_has_another_hash(change: dict[str, Any]) -> None:
    assert name(SETTINGS | change) != name(SETTINGS)


def test_a_setting_that_is_new_changes_no_hash_until_it_is_used() -> None:
    defaults = DEFAULTS | {"training": DEFAULTS["training"] | {"muon": False}}

    def named(muon: bool) -> str:
        training = SETTINGS["training"] | {"muon": muon}
        return settings_hash(SETTINGS | {"training": training}, defaults, {})

    assert named(False) == name(SETTINGS)
    assert named(True) != name(SETTINGS)


def test_a_part_of_another_version_is_not_found() -> None:
    assert name(SETTINGS, training=2) != name(SETTINGS)
    assert name(SETTINGS, critic=2) == name(SETTINGS), "no part of these settings"


def test_what_an_earlier_version_named_is_found_under_that_name(tmp_path: Path) -> None:
    store = Store.of(tmp_path, "made", DEFAULTS, {})
    new = store.result_path("tt", SETTINGS)
    assert new.name == f"tt-seed0-{name(SETTINGS)}.json"
    # sha256 of the sorted JSON of all settings without `decay`, as it was once
    before = new.with_name("tt-seed0-6caa4cfe.json")
    before.parent.mkdir(parents=True)
    before.touch()
    assert store.result_path("tt", SETTINGS) == before
    new.touch()
    assert store.result_path("tt", SETTINGS) == new


def test_the_result_of_another_run_in_the_place_of_one_is_refused(
    tmp_path: Path,
) -> None:
    store = Store.of(tmp_path, "made", DEFAULTS, {})
    path = store.result_path("tt", SETTINGS)
    save_result(result_of(method="tt", settings=SETTINGS), path)
    assert store.find_result("tt", SETTINGS) is not None
    older = {**SETTINGS, "training": {"steps": 2, "batch": 4}}
    save_result(result_of(method="tt", settings=older), path)
    assert store.find_result("tt", SETTINGS) is not None
    for odd in (SETTINGS | {"seed": 1}, SETTINGS | {"training": 3}):
        save_result(result_of(method="tt", settings=odd), path)
        with pytest.raises(ValueError, match=f"{path.name}: the result of another"):
            store.find_result("tt", SETTINGS)
    save_result(result_of(method="bc", settings=SETTINGS), path)
    with pytest.raises(ValueError, match="of another run"):
        store.find_result("tt", SETTINGS)


@pytest.mark.parametrize(
    ("later", "versions"),
    [
        ({"training": SETTINGS["training"] | {"muon": True}}, {}),
        ({}, {"training": 2}),
        ({"new": {"width": 3}}, {}),
    ],
)
def test_what_means_something_new_never_meets_an_old_file(
    later: dict[str, Any], versions: dict[str, int]
) -> None:
    defaults = DEFAULTS | {"new": {"width": 2}}
    defaults["training"] = DEFAULTS["training"] | {"muon": False}
    settings = SETTINGS | {"new": {"width": 2}}
    assert earlier_hash(settings, defaults, {}) == "6caa4cfe"
    assert earlier_hash(settings | later, defaults, versions) is None
