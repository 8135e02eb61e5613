"""The speedrun trains, resumes, and says when a curve came down to the targets."""

import io
import json
import re
from pathlib import Path
from typing import Any

import attrs
import gymnasium as gym
import numpy as np
import pytest
import torch
from rich.console import Console
from rich.table import Table

import tt_bench
import tt_model
from tt_bench.cli.main import main
from tt_bench.data.dataset import Dataset
from tt_bench.data.episodes import Episodes
from tt_bench.data.minari_write import MinariNotes, write_minari
from tt_bench.learning import entries
from tt_bench.learning.entries import ENTRIES, Entry
from tt_bench.learning.record import Learned, Point, read_learned
from tt_bench.learning.run import learn
from tt_bench.learning.table import tabulate_nats, tabulate_targets
from tt_bench.learning.targets import PARTS, final_targets, first_reached, nats
from tt_bench.methods.recipes import recipe_for
from tt_bench.methods.settings import ModelSettings, TrainingSettings

DATASET = "test/walk-v0"
PAGE = Path(tt_bench.__file__).parents[2] / "docs" / "learning.md"
TINY = Entry(
    "two numbers wide",
    ModelSettings(layers=1, heads=1, width=8),
    TrainingSettings(steps=20, batch=4, transitions=3),
)


def walk(count: int = 20, length: int = 4) -> Episodes:
    draws, size = np.random.default_rng(0), count * length
    angles = draws.uniform(-np.pi, np.pi, size)
    seen = [np.cos(angles), np.sin(angles), draws.uniform(-8, 8, size)]
    return Episodes(
        observations=np.stack(seen, axis=1),
        actions=draws.uniform(-2, 2, (size, 1)),
        rewards=-np.arange(size) / 10,
        ends=np.arange(length, size + 1, length),
        terminated=np.zeros(count, np.bool_),
        final_observations=np.tile([1, 0, 0], (count, 1)),
    )


def dataset(count: int = 20) -> Dataset:
    return Dataset("walk", walk(count), None, gym.Env, None, "made in a test")


def curve(*nats: tuple[float, float, float, float], cpu: float = 10.0) -> list[Point]:
    """Points 1 M tokens and some CPU seconds apart."""
    return [
        Point(k * 1_000_000, k * cpu, 2 * k * cpu, dict(zip(PARTS, each, strict=True)))
        for k, each in enumerate(nats, 1)
    ]


def learned(entry: str, seed: int, points: list[Point]) -> Learned:
    return Learned(entry, seed, 100 * len(points), tuple(points))


SLOW = [
    learned(
        "baseline", 0, curve((4, 4, 4, 4), (3, 4, 2, 3), (2, 4, 1, 3), (1, 3, 1, 2))
    ),
    learned(
        "baseline", 1, curve((4, 4, 4, 4), (3, 4, 3, 3), (2, 4, 1, 3), (2, 3, 1, 2))
    ),
]
FAST = [
    # of seed 1 the reward has come down first, and rises while the others come down
    learned("fast", 0, curve((1, 3, 2, 2), (1, 2, 1, 2), cpu=20.0)),
    learned("fast", 1, curve((3, 3, 1, 1), (1, 3, 2, 1), (1, 2, 1, 1), cpu=20.0)),
]


def test_targets_are_the_mean_of_what_the_seeds_end_with() -> None:
    expected = {"observation": 1.5, "action": 3.0, "reward": 1.0, "value": 2.0}
    assert final_targets(SLOW) == expected


def test_a_target_is_reached_at_the_first_point_at_or_below_it() -> None:
    run = FAST[1]
    assert first_reached(run, {"reward": 1.0}) == run.curve[0]
    assert first_reached(run, {"observation": 1.5}) == run.curve[1]
    assert first_reached(run, {"observation": 0.9}) is None
    unmeasured = learned("odd", 0, [Point(1, 1.0, 1.0, {"reward": None})])
    assert first_reached(unmeasured, {"reward": 9.0}) is None


def test_all_targets_are_reached_at_once_or_not_yet() -> None:
    """Each was reached by the second point, but never together before the third."""
    targets = final_targets(SLOW)
    assert [first_reached(run, targets) for run in FAST] == [
        FAST[0].curve[1], FAST[1].curve[2]
    ]  # fmt: skip
    assert first_reached(SLOW[0], targets) == SLOW[0].curve[3]
    assert first_reached(SLOW[1], targets) is None


def printed(table: Table) -> list[str]:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(table)
    return console.export_text().splitlines()


def cells(table: Table, entry: str) -> list[str]:
    (line,) = [each for each in printed(table) if each.startswith(f"| {entry} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_of_targets_says_when_and_at_what_share() -> None:
    table = tabulate_targets([*SLOW, *FAST], final_targets(SLOW), "baseline")
    # the baseline takes 4 M tokens and 40 CPU seconds, fast 2 and 3 M, 40 and 60
    assert cells(table, "fast") == [
        "fast", "1.5/30", "1.0/20", "1.5/30", "1.0/20", "2.5/50", "62 %", "125 %"
    ]  # fmt: skip
    assert cells(table, "baseline") == [
        "baseline", "1 of 2", "4.0/40", "3.0/30", "4.0/40", "1 of 2", "-", "-"
    ]  # fmt: skip
    alone = tabulate_targets(FAST, final_targets(SLOW), "baseline")
    assert cells(alone, "fast")[-3:] == ["2.5/50", "-", "-"]


def test_the_table_of_nats_has_means_and_the_largest_error() -> None:
    table = tabulate_nats([*SLOW, FAST[0]])
    # observations end with 1 and 2: the standard error of two is half their distance
    assert cells(table, "baseline") == [
        "baseline", "400", "4.0", "40", "80",
        "1.500", "3.000", "1.000", "2.000", "0.500"
    ]  # fmt: skip
    assert cells(table, "fast")[-1] == "-"


def test_the_tables_fit_in_a_hundred_columns() -> None:
    size = (12.345, 12.345, 12.345, 12.345)
    long = [
        learned(name, seed, curve(size, cpu=1234.5))
        for name in ("baseline", *ENTRIES)
        for seed in (0, 1)
    ]
    long = [attrs.evolve(run, steps=32_000) for run in long]
    for table in (tabulate_nats(long), tabulate_targets(long, final_targets(long), "")):
        assert max(map(len, printed(table))) <= 100


def test_the_winner_is_what_small_trains_and_every_entry_is_named_and_told() -> None:
    small = recipe_for("hopper-medium-replay-v2", small=True)
    winner = ENTRIES["winner"]
    shorter = attrs.evolve(small.training, steps=winner.training.steps)
    assert (winner.model, winner.training) == (small.model, shorter)
    for name, entry in ENTRIES.items():
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert entry.title


def test_the_line_of_the_page_makes_an_entry() -> None:
    (line,) = re.findall(r'^"wide": .*$', PAGE.read_text(), re.MULTILINE)
    made = eval(f"{{{line}}}", vars(entries))  # as if it stood in the table
    assert made["wide"].model.width == 2 * ENTRIES["winner"].model.width
    for name, entry in ENTRIES.items():
        assert f"| `{name}` |" in PAGE.read_text()
        assert f"| {entry.training.steps:,} |" in PAGE.read_text()


def test_an_entry_trains_on_one_thread_and_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    train = tt_model.train

    def watched(*args: Any, **options: Any) -> Any:
        threads.append(torch.get_num_threads())
        return train(*args, **options)

    monkeypatch.setattr(tt_model, "train", watched)
    torch.set_num_threads(2)
    try:
        found = learn(dataset(), "tiny", TINY, 3, output=tmp_path)
        again = learn(dataset(), "tiny", TINY, 3, output=tmp_path)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert threads == [1]
    assert again == found
    # 4 windows of 3 transitions of 3 + 1 + 1 + 1 tokens; a record a step
    assert [point.tokens for point in found.curve] == [72 * k for k in range(1, 21)]
    spent = np.array([point.cpu_seconds for point in found.curve])
    assert (np.diff(spent, prepend=0.0) > 0).all()
    assert spent[-1] < found.end.seconds
    assert all(0 < nats(found.end, part) < 10 for part in PARTS)
    assert (found.entry, found.seed, found.steps) == ("tiny", 3, 20)
    (path,) = tmp_path.glob("walk/learning/*.json")
    content = json.loads(path.read_text())
    assert content["settings"]["training"]["steps"] == 20
    assert {"platform", "torch"} <= set(content["machine"])


def test_another_seed_or_setting_is_another_run(tmp_path: Path) -> None:
    longer = attrs.evolve(TINY, training=attrs.evolve(TINY.training, steps=21))
    for entry, seed in ((TINY, 0), (TINY, 1), (longer, 0)):
        learn(dataset(), "tiny", entry, seed, output=tmp_path)
    assert len(list(tmp_path.glob("walk/learning/*.json"))) == 3


def test_a_run_that_was_stopped_goes_on_and_learns_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = learn(dataset(), "tiny", TINY, 0, output=tmp_path / "straight")
    train = tt_model.train
    steps: list[int] = []

    def interrupted(*args: Any, **options: Any) -> Any:
        def stop(progress: tt_model.Progress) -> None:
            steps.append(progress.step)
            if progress.step == 10:
                raise KeyboardInterrupt

        return train(*args, **(options | {"on_progress": stop}))

    monkeypatch.setattr(tt_model, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(dataset(), "tiny", TINY, 0, output=tmp_path)
    assert not list(tmp_path.glob("walk/learning/*.json"))
    resumed = learn(dataset(), "tiny", TINY, 0, output=tmp_path)
    assert steps == [10, 20]
    assert [p.nats for p in resumed.curve] == [p.nats for p in straight.curve]
    spent = [point.cpu_seconds for point in resumed.curve]
    assert spent == sorted(spent)


def test_too_few_episodes_to_hold_one_out_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"at least 20 episodes.*walk has 19"):
        learn(dataset(19), "tiny", TINY, 0, output=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cut short or not JSON"),
        ('{"curve": []}', "holds no 'format'"),
        ('{"format": "speed"}', "its format is 'speed'"),
        ('{"format": "tt-bench learning", "curve": []}', "its curve is empty"),
        ('{"format": "tt-bench learning", "curve": [{"a": 1}]}', "not as written"),
    ],
)
def test_a_damaged_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "tiny.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"tiny\.json: .*{message}.*tiny\.json"):
        read_learned(path)


# The command


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    monkeypatch.chdir(tmp_path)
    two = {"baseline": TINY, "wide": attrs.evolve(TINY, model=ModelSettings(1, 1, 16))}
    monkeypatch.setattr("tt_bench.cli.learn.ENTRIES", two)
    notes = MinariNotes(env=gym.spec("Pendulum-v1"), reference=(-20.0, 0.0))
    write_minari(walk(), DATASET, notes)
    return ["learn", "--dataset", DATASET, "--seeds", "2"]


def test_the_command_prints_both_tables_and_repeats_nothing(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*command, "--entries", "baseline", "wide"]) == 0
    first = capsys.readouterr().out
    assert "wide: two numbers wide, 20 steps, 2 x" in first
    assert "targets, what baseline ends with: observation " in first
    assert "wide seed 1: 0.00 M tokens in 0 CPU seconds" in first

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a finished training was repeated")

    monkeypatch.setattr(tt_model, "train", refuse)
    assert main([*command, "--entries", "baseline", "wide"]) == 0
    again = capsys.readouterr().out
    assert again[again.index("+---") :] == first[first.index("+---") :]


def test_targets_and_steps_can_be_given(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    short = [*command, "--entries", "wide", "--steps", "4"]
    assert main(short) == 0
    assert "no targets: give --targets" in capsys.readouterr().out
    assert main([*short, "--targets", "9", "9", "9", "0.1"]) == 0
    line = [x for x in capsys.readouterr().out.splitlines() if x.startswith("| wide")]
    assert line[0].split("|")[2].strip() == "4"
    found = [cell.strip() for cell in line[1].split("|")[2:-1]]
    assert found == [*["0.0/0"] * 3, "0 of 2", "0 of 2", "-", "-"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--entries", "magic"], "entries out of baseline, wide; got magic"),
        (["--entries", "baseline", "--dataset", "nowhere.hdf5"], "nowhere.hdf5"),
        (["--entries", "baseline", "--seeds", "0"], "seeds"),
        (["--entries", "baseline", "--steps", "0"], "steps"),
        (["--entries", "baseline", "--targets", "1", "2", "3"], "targets"),
        (["--entries", "baseline", "--targets", "1", "2", "3", "nan"], "targets"),
        (["--entries", "baseline", "--first-seed", "1" + "0" * 30], "first_seed"),
    ],
)
def test_bad_input_is_one_line_and_a_status(
    options: list[str],
    message: str,
    command: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        status: Any = main([*command, *options])
    except SystemExit as error:
        status = error.code
    assert status == 2
    told = capsys.readouterr()
    assert message in (told.err + told.out)
