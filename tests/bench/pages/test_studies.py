"""What studies left behind is a section of a report."""

import json
from pathlib import Path
from typing import Any

from bench.made_results import PIXEL, Leave

from tt_bench.pages import write_report


def study(folder: Path, name: str, found: Any) -> Path:
    path = folder / "studies" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(found if isinstance(found, str) else json.dumps(found))
    return path


def report(tmp_path: Path) -> tuple[str, str]:
    """Write a report; return its page and its Markdown."""
    page = write_report(tmp_path / "runs", tmp_path / "out")
    return page.read_text(), (tmp_path / "out" / "report.md").read_text()


def test_numbers_and_picture_of_a_study_are_on_the_page(
    tmp_path: Path, leave: Leave
) -> None:
    folder = leave("tt", 0, [1.0, 2.0])
    found = {
        "success": {"bc": [0.5, 0.75, 0.25], "tt": [1.0]},
        "behaviour": 12.5,
        "note": "not a number",
        "seeds": [{"curve": [1, 2]}],
    }
    path = study(folder, "goals", found)
    study(folder, "goals-seed0-0123abcd", {"secret": 1.0})
    before, _ = report(tmp_path)
    path.with_suffix(".png").write_bytes(PIXEL)
    page, text = report(tmp_path)
    assert "Study of goals: made" in page
    assert "data:image/png;base64," in page
    assert "data:image/png;base64," not in before
    assert "secret" not in page
    assert "curve" not in page
    assert "not a number" not in page
    rows = (tmp_path / "out" / "csv" / "study-1.csv").read_text().splitlines()
    # an interval over the seeds, if there are several
    assert rows[1] == "behaviour,12.5,,,1.0,12.500"
    assert rows[2].startswith("success.bc,0.5,0.25,0.75,3.0,")
    assert rows[2].endswith('"0.500, 0.750, 0.250"')
    assert rows[3] == "success.tt,1.0,,,1.0,1.000"
    assert text.index("Study of goals") < text.index("Versions and machines")


def test_a_study_that_cannot_be_read_is_named(tmp_path: Path, leave: Leave) -> None:
    folder = leave("tt", 0, [1.0, 2.0])
    study(folder, "horizon", "{")
    study(folder, "<b>", {"<i>": [1e300, 1e300], "big": 10**400}).with_suffix(
        ".png"
    ).write_bytes(b"GIF")
    page, _ = report(tmp_path)
    assert "left out: " in page
    assert "cut short or not JSON" in page
    assert "not a PNG" in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_links_are_not_followed(tmp_path: Path, leave: Leave) -> None:
    folder = leave("tt", 0, [1.0, 2.0])
    path = study(folder, "horizon", {"a": 1.0})
    other = tmp_path / "other.json"
    path.rename(other)
    path.symlink_to(other)
    path.with_suffix(".png").symlink_to(other)
    page, _ = report(tmp_path)
    assert "Study of horizon" not in page


def test_studies_alone_are_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "made"
    folder.mkdir(parents=True)
    study(folder, "attention", {"markovian": [0.25]})
    page, text = report(tmp_path)
    assert "Study of attention: made" in page
    assert "0.250" in text
    assert "found none" in text, "that there are no runs is said"
