"""A report of what runs left behind: in every format, of every folder."""

import csv
import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from bench.made_results import PIXEL, Leave, made

from tt_bench.cli.main import main
from tt_bench.methods.training_log import TrainingLog
from tt_bench.methods.watch import SCORES
from tt_bench.pages import collected, episodes, write_report
from tt_bench.results.result import save_result

EARLIER = Path(__file__).parents[1] / "runs" / "earlier"


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_report_has_the_numbers_of_the_runs_in_every_format(
    tmp_path: Path, leave: Leave, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, score in enumerate((10.0, 20.0, 60.0)):
        leave("tt", seed, [score - 5, score + 5])
    leave("bc", 0, [8.0, 12.0])
    output = tmp_path / "out"
    assert main(["report", str(tmp_path / "runs"), "--output", str(output)]) == 0
    assert capsys.readouterr().out.strip() == str(output / "report.html")
    bc, tt = read_csv(output / "csv" / "scores-1.csv")
    assert (tt["method"], float(tt["mean score"])) == ("tt", 30.0)
    assert float(tt["mean score, low"]) == 10.0  # the same run thrice
    assert float(tt["mean score, high"]) == 60.0
    assert (bc["interval over"], tt["interval over"]) == ("2 episodes", "3 runs")
    row = "| tt | 30.0 \\[10.0, 60.0\\] | 3 runs | 3 x 2 |"
    assert row in (output / "report.md").read_text()
    assert (
        "tt & 30.0 {[}10.0, 60.0{]} & 3 runs &" in (output / "report.tex").read_text()
    )
    page = (output / "report.html").read_text()
    assert '<td data-order="30.0">30.0 [10.0, 60.0]</td>' in page
    assert len(read_csv(output / "csv" / "runs-1.csv")) == 4
    names = {path.stem for path in (output / "figures").iterdir()}
    assert names == {"intervals", "profile", "scores-1"}
    for path in (output / "figures").iterdir():
        assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_a_report_is_the_same_each_time(tmp_path: Path, leave: Leave) -> None:
    for seed in range(3):
        leave("tt", seed, [seed * 10.0, 3.0])
    texts = []
    for _ in range(2):
        page = write_report(tmp_path / "runs", tmp_path / "out")
        texts.append(page.read_bytes())
    assert texts[0] == texts[1]


def test_real_results_of_an_earlier_version_are_reported(tmp_path: Path) -> None:
    page = write_report(EARLIER, tmp_path).read_text()
    assert "Held-out nats" in page
    text = (tmp_path / "report.md").read_text()
    assert "tt\\+q" in text or "tt+q" in text
    assert "## Versions and machines" in text
    assert (tmp_path / "csv" / "settings-1.csv").exists()


def test_a_folder_of_one_dataset_is_enough(tmp_path: Path, leave: Leave) -> None:
    leave("tt", 0, [1.0, 2.0])
    folder = leave("tt", 0, [3.0, 4.0], folder="other")
    (row,) = read_csv(
        write_report(folder, tmp_path / "out").parent / "csv/scores-1.csv"
    )
    assert float(row["mean score"]) == 3.5


def test_nothing_to_report_is_one_clear_error(
    tmp_path: Path, leave: Leave, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    assert "expected a folder with results" in capsys.readouterr().err
    (tmp_path / "results").mkdir()
    assert main(["report", str(tmp_path)]) == 2
    assert "expected finished runs" in capsys.readouterr().err
    (tmp_path / "results" / "tt.json").write_text('{"format": "tt-bench')
    assert main(["report", str(tmp_path)]) == 2
    assert "the first of 1 left out: " in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_what_cannot_be_read_is_left_out_and_named(
    tmp_path: Path, leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = leave("tt", 0, [1.0, 2.0]) / "results"
    monkeypatch.setattr(collected, "LARGEST", 20_000)
    whole = next(folder.iterdir()).read_text()
    (folder / "cut.json").write_text(whole[:200])
    (folder / "list.json").write_text("[1, 2]")
    (folder / "odd.json").write_text(whole.replace('"seed": 0', '"seed": "0"', 1))
    (folder / "nested.json").write_text("[" * 100_000)
    (folder / "deep.json").write_text(
        whole.replace(
            '"settings": {', '"settings": {"a": ' + '{"b": ' * 60 + "1" + "}" * 60 + ","
        )
    )
    (folder / "large.json").write_text(whole + " " * 20_000)
    (folder / "far.json").write_text(whole.replace("0.1,", "1e300,"))
    (folder / "bytes.json").write_bytes(b"\xff\xfe\x00")
    (folder / "link.json").symlink_to(next(folder.glob("run-*.json")))
    text = write_report(folder, tmp_path / "out").with_suffix(".md").read_text()
    assert "1 finished run on 1 dataset." in text
    for name in ("cut", "list", "odd", "nested", "deep", "large", "far", "bytes"):
        assert f"/{name}.json" in text, name
    assert "link.json" not in text


@pytest.mark.parametrize(
    "change",
    [
        ('"seed": 0,', f'"seed": 1{"0" * 400},'),
        ('"transitions": 100000', f'"transitions": 1{"0" * 400}'),
        ('"minutes": 2.0', '"minutes": 1e300'),
        ('"train": 120.0', '"train": -1e308'),
    ],
)
def test_numbers_that_nothing_has_are_left_out(
    tmp_path: Path, leave: Leave, change: tuple[str, str]
) -> None:
    folder = leave("tt", 1, [1.0, 2.0]) / "results"
    leave("tt", 0, [1.0, 2.0])
    whole = (folder / "run-1.json").read_text()
    (folder / "run-1.json").write_text(whole.replace(*change, 1))
    assert whole != (folder / "run-1.json").read_text()
    text = write_report(folder, tmp_path / "out").with_suffix(".md").read_text()
    assert "1 finished run on 1 dataset." in text
    assert "which nothing has" in text


def test_of_one_seed_the_newest_counts_and_other_settings_are_told_apart(
    tmp_path: Path, leave: Leave
) -> None:
    leave("tt", 0, [1.0, 1.0], finished="2026-01-01")
    leave("tt", 0, [5.0, 5.0], finished="2026-01-02")
    leave("tt", 1, [7.0, 7.0])
    settings = {"planner": {"beam": 3}, "data": {"name": "made", "fingerprint": "f"}}
    leave("tt", 0, [9.0, 9.0], settings={"seed": 0, **settings})
    page = write_report(tmp_path / "runs", tmp_path / "out")
    first, second = read_csv(page.parent / "csv" / "scores-1.csv")
    assert (first["method"], float(first["mean score"])) == ("tt #1", 6.0)
    assert (second["method"], float(second["mean score"])) == ("tt #2", 9.0)
    (one, other) = read_csv(page.parent / "csv" / "variants-1.csv")
    told = "settings that tell it from the others"
    assert (one["variant"], other["variant"]) == ("tt #1", "tt #2")
    assert "planner.beam 3" in other[told]
    assert "planner.beam" in one[told]
    (both,) = read_csv(page.parent / "csv" / "all.csv")
    assert float(both["mean"]) == 6.0, "what has most runs stands for a method"


def test_all_datasets_together_count_what_was_run_on_each(
    tmp_path: Path, leave: Leave
) -> None:
    other = {"name": "z", "source": "", "transitions": 1, "episodes": 1}
    for seed in range(3):
        leave("tt", seed, [10.0 * seed, 20.0])
        leave("bc", seed, [1.0, 2.0])
    for seed in range(2):
        leave("tt", seed, [50.0, 70.0], dataset=other, folder="z")
    leave("raw", 0, None, dataset={**other, "name": "raw"}, folder="raw")
    page = write_report(tmp_path / "runs", tmp_path / "out")
    (row,) = read_csv(page.parent / "csv" / "all.csv")
    assert row["method"] == "tt"
    assert row["datasets x runs"] == "2 x 2"
    # runs 10, 15 of one and 60, 60 of the other
    assert float(row["interquartile mean"]) == 37.5
    text = page.read_text()
    assert "bc: on 1 of 2 datasets only." in text
    assert "tt: 2 runs of each dataset, where some have 3." in text
    assert "Returns: raw in Made-v0" in text


def test_published_scores_stand_beside_ours_with_what_each_is_of(
    tmp_path: Path, leave: Leave
) -> None:
    data = {"name": "hopper-medium-sac.hdf5", "source": "", "episodes": 3}
    leave("bc", 0, [40.0, 42.0], dataset=data | {"transitions": 10})
    page = write_report(tmp_path / "runs", tmp_path / "out")
    rows = read_csv(page.parent / "csv" / "published-1.csv")
    found = [row for row in rows if row["published"] == "BC"]
    assert len({row["source"] for row in found}) == 2, "the paper's and CORL's"
    for row in found:
        assert (row["ours"], float(row["score of ours"])) == ("bc", 41.0)
        assert row["environment"].startswith("d4rl's hopper-medium-v2")
    assert "which is not D4RL's data" in page.with_suffix(".md").read_text()


def test_pictures_and_videos_are_on_the_page_if_they_are_what_they_seem(
    tmp_path: Path, leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = leave("tt", 0, [1.0, 2.0])
    rollouts = folder / "rollouts"
    rollouts.mkdir()
    (rollouts / "a b.png").write_bytes(PIXEL)
    (rollouts / "script.png").write_text("<svg onload=alert(1)>")
    (rollouts / "film.mp4").write_bytes(b"\0\0\0\x18ftypisom" + b"\0" * 100)
    (tmp_path / "secret").write_bytes(PIXEL + b"secret")
    (rollouts / "link.png").symlink_to(tmp_path / "secret")
    os.mkfifo(rollouts / "pipe.png")
    page = write_report(folder, tmp_path / "out")
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 1
    assert text.count("data:video/mp4;base64,") == 1
    assert "neither PNG nor MP4" in text
    assert "![rollouts/a b.png](../runs/made/rollouts/a%20b.png)" in (
        page.with_suffix(".md").read_text()
    )
    small = write_report(folder, tmp_path / "out", video_megabytes=0.0)
    assert "data:video" not in small.read_text()
    assert "not on the page, for its size" in small.read_text()
    monkeypatch.setattr(episodes, "_KINDS", {})
    assert "data:image/png" not in write_report(folder, tmp_path / "out").read_text()


def test_scores_on_the_way_and_nats_are_drawn_from_logs(
    tmp_path: Path, leave: Leave
) -> None:
    folder = leave("tt", 0, [1.0, 2.0])
    leave("tt+q", 0, [1.0, 2.0])
    network = folder / "transformer-seed0"
    network.mkdir()
    settings = {"data": {"name": "made", "fingerprint": "f"}, "seed": 0}
    (network / "settings.json").write_text(json.dumps(settings))
    log = TrainingLog(network, ("loss", "held_out_action", *SCORES))
    for step in (10, 20, 30):
        row = {"seconds": 60.0 * step, "loss": 1.0, "held_out_action": 1 / step}
        log.write(step, row | ({"score": step, "scored": "tt"} if step > 10 else {}))
    text = write_report(folder, tmp_path / "out").read_text()
    assert "Held-out nats: made" in text
    assert "Score on the way: made" in text
    figures = tmp_path / "out" / "figures"
    assert "tt, tt+q" in (figures / "curves-1-held-out-nats.svg").read_text()
    scores = (figures / "curves-1-score-on-the-way.svg").read_text()
    assert ">tt<" in scores
    assert "tt, tt+q" not in scores


def test_what_links_lead_to_is_not_shown(tmp_path: Path, leave: Leave) -> None:
    folder, private = leave("tt", 0, [1.0, 2.0]), tmp_path / "private"
    private.mkdir()
    settings = {"data": {"name": "made", "fingerprint": "f"}, "seed": 0}
    (private / "settings.json").write_text(json.dumps(settings))
    TrainingLog(private, ("held_out_action",)).write(10, {"held_out_action": 1.0})
    (private / "own.png").write_bytes(PIXEL)
    for name in ("rollouts", "transformer-seed0"):
        (folder / name).symlink_to(private)
    text = write_report(folder, tmp_path / "out").read_text()
    assert "data:image/png" not in text
    assert "Held-out nats" not in text
    (folder / "network").mkdir()
    (folder / "network" / "settings.json").write_text(json.dumps(settings))
    os.mkfifo(folder / "network" / "training.csv")
    text = write_report(folder, tmp_path / "out").read_text()
    assert "training.csv is no file, a link or too large" in text


@pytest.mark.parametrize(
    "losses",
    [
        "5",
        "[5]",
        '["a"]',
        '[{"step": 1, "seconds": 1, "held_out": [1]}]',
        '[{"step": 1, "seconds": 1, "held_out": {"action": 1e300}}]',
        f'[{{"step": 1{"0" * 400}, "seconds": 1, "held_out": {{"action": 1}}}}]',
        '[{"step": 1, "seconds": "now", "held_out": {"action": {"a": 1}}}]',
        "[" * 9_000,
    ],
)
def test_notes_of_a_training_that_nobody_wrote_are_named(
    tmp_path: Path, leave: Leave, losses: str
) -> None:
    network = leave("tt", 0, [1.0, 2.0]) / "transformer-seed0"
    network.mkdir()
    settings = {"data": {"name": "made", "fingerprint": "f"}, "seed": 0}
    (network / "settings.json").write_text(json.dumps(settings))
    (network / "training.json").write_text(f'{{"losses": {losses}}}')
    text = write_report(tmp_path / "runs", tmp_path / "out").read_text()
    assert "no learning curve: " in text
    assert "data:image/svg" in text


def test_a_page_of_a_whole_suite_is_below_five_megabytes(
    tmp_path: Path,
) -> None:
    settings = {f"part{i}": {f"name{j}": i * j for j in range(10)} for i in range(6)}
    for task in range(16):
        data = {"name": f"body-{task}", "source": "s", "transitions": 1, "episodes": 1}
        for method in ("bc", "bc-10", "td3+bc", "iql", "tt", "tt+q", "dt", "cql"):
            for seed in range(3):
                result = made(
                    *(method, seed, [task + 0.1 * seed, 5.0]),
                    dataset=data,
                    settings={**settings, "seed": seed},
                )
                save_result(result, tmp_path / f"{task}/results/{method}{seed}.json")
    page = write_report(tmp_path, tmp_path / "report")
    assert page.stat().st_size < 5 * 2**20
