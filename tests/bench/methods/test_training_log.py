"""The log of a training: whole rows, each step once, whatever ends the training."""

from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tt_bench.data.episodes import Episodes
from tt_bench.methods import resumable
from tt_bench.methods.critic import train_critic
from tt_bench.methods.resumable import Training, train_in
from tt_bench.methods.settings import (
    CriticSettings,
    ModelSettings,
    Recipe,
    TrainingSettings,
)
from tt_bench.methods.task import Task
from tt_bench.methods.training_log import LOG, TrainingLog, read_log
from tt_bench.methods.transformer import train_transformer
from tt_bench.methods.watch import Watch
from tt_model import Progress

STEPS = 120
SEEN = ("step", "loss", "learning_rate", "held_out_observation", "held_out_value")
Kill = Callable[[int], None]


def episodes() -> Episodes:
    draws = np.random.default_rng(0)
    return Episodes(
        observations=draws.normal(size=(400, 2)),
        actions=draws.uniform(-1, 1, (400, 1)),
        rewards=draws.uniform(size=400),
        ends=np.arange(20, 401, 20),
        terminated=np.zeros(20, np.bool_),
        final_observations=np.zeros((20, 2)),
    )


def transformer(folder: Path, kill: Kill, watch: Watch | None = None) -> list[float]:
    training = TrainingSettings(steps=STEPS, batch=4, transitions=3)
    model = ModelSettings(layers=1, heads=1, width=8, dropout=0.1)

    def on_progress(progress: Progress) -> None:
        kill(progress.step)

    trained = train_transformer(
        episodes(),
        attrs.evolve(Recipe(), model=model, training=training),
        folder,
        seed=0,
        device="cpu",
        on_progress=on_progress,
        watch=watch,
    )
    return [float(weight.detach().sum()) for weight in trained.model.parameters()]


def critic(folder: Path, kill: Kill, watch: Watch | None = None) -> list[float]:
    one = np.ones(1, np.float32)
    trained = train_critic(
        episodes(),
        Task(low=-one, high=one, steps=8),
        attrs.evolve(Recipe(), critic=CriticSettings(steps=STEPS, batch=4, width=4)),
        folder,
        seed=0,
        device="cpu",
        on_progress=lambda step, _: kill(step),
        watch=watch,
    )
    numbers: list[float] = trained.critic.networks.flatten().tolist()
    return numbers


def any_modules(folder: Path, kill: Kill, watch: Watch | None = None) -> list[float]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Linear(3, 1)
    optimizer = torch.optim.Adam(module.parameters(), 0.1)
    draws = torch.Generator().manual_seed(1)

    def update(_: int) -> Tensor:
        loss: Tensor = module(torch.randn(4, 3, generator=draws)).square().mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        return loss

    training = Training({"module": module}, {"adam": optimizer}, draws, update)
    train_in(folder, "net.npz", training, STEPS, lambda n, _: kill(n), watch)
    return [float(weight.detach().sum()) for weight in module.parameters()]


Train = Callable[..., list[float]]
each_kind = pytest.mark.parametrize("train", [transformer, critic, any_modules])


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a checkpoint every so many steps that some were reported since."""
    monkeypatch.setattr(resumable, "_KEPT_EVERY", 40)
    monkeypatch.setattr("tt_bench.methods.critic._CHECKPOINT_EVERY", 16)


def never(_: int) -> None:
    return


def seen(folder: Path) -> list[list[str]]:
    untimed = ("seconds", "tokens_per_second")
    rows = read_log(folder / LOG)
    return [[v for name, v in row.items() if name not in untimed] for row in rows]


def test_a_log_has_a_row_a_report_and_nats_by_part(tmp_path: Path) -> None:
    transformer(tmp_path, never)
    rows = read_log(tmp_path / LOG)
    steps = [int(row["step"]) for row in rows]
    reports, records = set(range(10, STEPS + 1, 10)), set(range(12, STEPS + 1, 12))
    assert steps == sorted(reports | records)
    for row in rows:
        assert bool(row["held_out_action"]) == (int(row["step"]) in records)
        assert bool(row["tokens_per_second"]) == (int(row["step"]) in reports)
        assert float(row["loss"]) > 0
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)
    assert float(rows[-1]["held_out_action"]) < float(rows[1]["held_out_action"])


@pytest.mark.parametrize("steps", [7, 25, 120])
def test_the_last_step_is_logged_once(tmp_path: Path, steps: int) -> None:
    training = TrainingSettings(steps=steps, batch=4, transitions=3)
    recipe = attrs.evolve(Recipe(), model=ModelSettings(1, 1, 8), training=training)
    train_transformer(episodes(), recipe, tmp_path, seed=0, device="cpu")
    text = (tmp_path / LOG).read_text().splitlines()
    numbers = [int(line.partition(",")[0]) for line in text[1:]]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == steps


def test_a_critics_log_has_its_losses(tmp_path: Path) -> None:
    critic(tmp_path, never)
    rows = read_log(tmp_path / LOG)
    assert len(rows) == STEPS
    assert list(rows[0]) == ["step", "seconds", "value_loss", "q_loss", "policy_loss"]
    assert all(float(cell) == float(cell) for row in rows for cell in row.values())


@each_kind
@pytest.mark.parametrize("stop", [20, 60, 100])
def test_a_training_that_was_killed_logs_each_step_once(
    tmp_path: Path, train: Train, stop: int
) -> None:
    def kill(step: int) -> None:
        if step >= stop:
            raise RuntimeError("killed")

    whole = train(tmp_path / "whole", never)
    with pytest.raises(RuntimeError, match="killed"):
        train(tmp_path / "killed", kill)
    log = tmp_path / "killed" / LOG
    log.write_text(log.read_text() + "9,0.1,0.")  # half a row
    assert len(read_log(log)) < len(read_log(tmp_path / "whole" / LOG))
    assert train(tmp_path / "killed", never) == whole
    assert seen(tmp_path / "killed") == seen(tmp_path / "whole")
    lines = log.read_text().splitlines()
    assert len(lines) == len(read_log(log)) + 1, "each step once, and no half row"


@each_kind
def test_scores_are_logged_as_often_as_asked_and_change_nothing(
    tmp_path: Path, train: Train
) -> None:
    plain = train(tmp_path / "plain", never)
    count = iter(range(1_000))

    def measure(trained: object) -> dict[str, float | str]:
        torch.rand(100)  # somebody draws
        return {"score": float(next(count)), "scored": "tt"}

    # what draws is kept from what trains where scores are made
    def scored(trained: object) -> dict[str, float | str]:
        with torch.random.fork_rng():
            return measure(trained)

    watch = Watch(every=40, measure=scored)
    assert train(tmp_path / "scored", never, watch) == plain
    rows = read_log(tmp_path / "scored" / LOG)
    scores = {int(row["step"]): row["score"] for row in rows if row["score"]}
    assert scores == {40: "0.0", 80: "1.0", 120: "2.0"}
    assert {row["scored"] for row in rows} == {"", "tt"}


def test_scores_of_an_earlier_part_stay_where_none_are_asked_for_later(
    tmp_path: Path,
) -> None:
    first = TrainingLog(tmp_path, ("loss", "score"))
    first.write(10, {"loss": 1.0, "score": 5.0})
    first.write(20, {"loss": 0.5})
    TrainingLog(tmp_path, ("loss",)).write(20, {"loss": 0.25})
    assert read_log(tmp_path / LOG) == [
        {"step": "10", "seconds": "", "loss": "1.0", "score": "5.0"},
        {"step": "20", "seconds": "", "loss": "0.25", "score": ""},
    ]


def test_no_log_and_another_file_have_no_rows(tmp_path: Path) -> None:
    assert read_log(tmp_path / LOG) == []
    for other in (
        b"\xff\x00,\nstep\nstep\n",
        b"",
        b"a,b\n1,2\n",
        b"step,x\n1," + b"9" * 200_000 + b"\n",
        b"step,x\n" + b"9" * 400 + b",1\n",
        b"step,x\n\xc2\xb2,1\n-1,2\nnan,3\n1e3,4\n,5\n",
    ):
        (tmp_path / LOG).write_bytes(other)
        assert read_log(tmp_path / LOG) == []


def test_rows_longer_or_shorter_than_the_titles_are_read(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("step,x\n1,2,3,4\n3\n2,5\n2,6\n")
    assert read_log(tmp_path / LOG) == [
        {"step": "1", "x": "2"},
        {"step": "2", "x": "6"},
        {"step": "3", "x": ""},
    ]
