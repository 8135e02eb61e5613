"""Results to report on, and a browser to open reports in."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.made_results import Leave, made
from bench.pages.chromium import Browser

from tt_bench.results.result import save_result


@pytest.fixture
def leave(tmp_path: Path) -> Leave:
    """Leave a result in a folder of runs, and return the dataset's folder."""
    count = iter(range(1_000))

    def save(method: str, seed: int, scores: list[float] | None, **more: Any) -> Path:
        folder: Path = tmp_path / "runs" / more.pop("folder", "made")
        path = folder / "results" / f"run-{next(count)}.json"
        save_result(made(method, seed, scores, **more), path)
        return folder

    return save


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start Chromium where it is there."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed")
    opened = Browser(program, tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()
