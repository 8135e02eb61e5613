"""The page in a real browser: it sorts, shows its pictures and runs nothing else."""

import base64
from pathlib import Path

from bench.made_results import PIXEL, Leave
from bench.pages.chromium import Browser
from matplotlib.image import imread

from tt_bench.pages import write_report

SORT = """(() => {
  const table = document.getElementById("scores-1");
  const title = Array.from(table.tHead.rows[0].cells).find(
    (cell) => cell.textContent === "%s");
  title.querySelector("button").click();
  return [title.getAttribute("aria-sort"),
          ...Array.from(table.tBodies[0].rows).map((row) => row.cells[0].textContent)];
})()"""
WIDTHS = "Array.from(document.images).map((image) => image.naturalWidth)"


def test_a_page_sorts_by_any_column_and_shows_its_pictures(
    tmp_path: Path, leave: Leave, browser: Browser
) -> None:
    for method, scores in (("tt", [9.0, 11.0]), ("bc", [100.0, 80.0]), ("iql", [-3.0])):
        folder = leave(method, 0, scores)
    leave("zero", 0, [5.0, 5.0], seconds={})
    (folder / "rollouts").mkdir()
    (folder / "rollouts" / "tt-seed0.png").write_bytes(PIXEL)
    browser.open(write_report(folder, tmp_path / "report"))
    assert browser.run(SORT % "mean score") == ["ascending", "iql", "zero", "tt", "bc"]
    assert browser.run(SORT % "mean score") == ["descending", "bc", "tt", "zero", "iql"]
    assert browser.run(SORT % "method") == ["ascending", "bc", "iql", "tt", "zero"]
    # gaps come last in both directions
    assert browser.run(SORT % "act, ms")[-1] == "zero"
    assert browser.run(SORT % "act, ms")[-1] == "zero"
    widths = browser.run(WIDTHS)
    assert len(widths) == 4
    assert min(widths) > 0


def test_a_page_asks_nobody_for_anything_and_logs_no_error(
    tmp_path: Path, leave: Leave, browser: Browser
) -> None:
    folder = leave("tt", 0, [9.0, 11.0])
    page = write_report(folder, tmp_path / "report")
    browser.open(page)
    asked = [e["request"]["url"] for e in browser.of("Network.requestWillBeSent")]
    asked = [url for url in asked if not url.startswith("data:")]
    assert asked == [page.as_uri()]
    assert browser.of("Log.entryAdded") == []
    assert browser.of("Runtime.exceptionThrown") == []
    shot = browser.ask("Page.captureScreenshot")["data"]
    (tmp_path / "shot.png").write_bytes(base64.b64decode(shot))
    assert imread(tmp_path / "shot.png").std() > 0.05, "an empty page"


def test_nothing_of_a_result_runs_in_a_page(
    tmp_path: Path, leave: Leave, browser: Browser
) -> None:
    script = "<script>window.hit=1</script><img src=x onerror=window.hit=1>"
    text = f"</title></style>--></script>{script}\"'{{{{ 7*7 }}}}{{% for %}}"
    data = {"name": text, "source": text, "transitions": 1, "episodes": 1}
    folder = leave(
        text,
        0,
        [1.0, 2.0],
        **{"dataset": data, "environment": {"id": text}, "note": text},
        **{"settings": {text: text, "seed": 0}, "versions": {text: text}},
        **{"machine": {"device": text, text: text}, "finished": text},
    )
    (folder / "results" / f"{script[:20].replace('/', '_')}.json").write_text("{}")
    browser.open(write_report(folder, tmp_path / "report"))
    assert browser.run("window.hit") is None
    assert browser.run("document.scripts.length") == 1
    assert browser.run("document.title") == "Results of tt-bench"
    assert "7*7" in browser.run("document.body.textContent")
    assert script in browser.run("document.body.textContent")
    assert browser.of("Log.entryAdded") == []
