"""Notes of a training are believed only where they can be true."""

from pathlib import Path
from typing import Any

import pytest

from tt_bench.files import read_facts, write_json
from tt_bench.methods.spent import read_seconds, read_spent


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_json(tmp_path / "training.json", {"steps": 20, "seconds": 1.5})
    assert read_facts(tmp_path / "training.json", read_spent) == (20, 1.5)
    assert read_facts(tmp_path / "training.json", read_seconds) == 1.5


STEPS: list[Any] = [-1, 0.5, True, "3", None, [], 1e300]
SECONDS: list[Any] = [-1.0, True, "3", None, {}, 10**400]
ODD = [{"steps": odd} for odd in STEPS] + [{"seconds": odd} for odd in SECONDS]


@pytest.mark.parametrize("change", ODD)
def test_what_can_not_be_names_the_file(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "training.json"
    write_json(path, {"steps": 20, "seconds": 1.5} | change)
    with pytest.raises(ValueError, match=r"training\.json: not as written \(expected"):
        read_facts(path, read_spent)


@pytest.mark.parametrize("name", ["steps", "seconds"])
def test_what_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    notes = {"steps": 20, "seconds": 1.5}
    del notes[name]
    write_json(tmp_path / "training.json", notes)
    with pytest.raises(ValueError, match=rf"training\.json: holds no '{name}'"):
        read_facts(tmp_path / "training.json", read_spent)
