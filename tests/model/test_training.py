"""Training does what a plain loop does, and tells the caller how it goes."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tt_model._config import Positions, TransformerConfig
from tt_model._transformer import TrajectoryTransformer
from tt_model.training.config import TrainConfig
from tt_model.training.data import IGNORED, Sequences, Shuffle, gather, make_windows
from tt_model.training.history import Epoch, Progress
from tt_model.training.optimizer import learning_rate, matmul_weights
from tt_model.training.train import train

V, P, T = 5, 3, 2
CPU = torch.device("cpu")


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Keep tiny operations on one thread, where they are fastest."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def sequences(count: int = 12, length: int = 6, seed: int = 0) -> Sequences:
    """Episodes that count up from a random bin, every other one truly ending."""
    begins = np.random.default_rng(seed).integers(0, V, count)[:, None, None]
    steps = np.arange(length)[None, :, None] + np.arange(P)[None, None]
    tokens = ((begins + steps) % V).astype(np.uint8).reshape(-1, P)
    ends = np.arange(length, count * length + 1, length)
    return Sequences(tokens, ends, np.arange(count) % 2 == 0)


def make(positions: Positions = "rotary", **changes: Any) -> TrajectoryTransformer:
    sizes = {"layers": 1, "heads": 2, "width": 16, "window": T, "span": T}
    settings = {**sizes, "dropout": 0.0, **changes}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return TrajectoryTransformer(
            TransformerConfig(V, P, positions=positions, **settings)
        )


def settings(**changes: Any) -> TrainConfig:
    base = {"steps": 20, "batch": 8, "transitions": T, "learning_rate": 1e-2}
    return TrainConfig(**{**base, **changes})


def parameters(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def stop_probability(model: TrajectoryTransformer, tokens: np.ndarray) -> float:
    """Return how likely the model finds it that nothing follows these transitions."""
    with torch.no_grad():
        logits = model(torch.from_numpy(tokens.astype(np.int64)).view(1, -1))
    return float(logits[0, -1].softmax(-1)[V])


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_a_run_equals_a_plain_loop(positions: Positions) -> None:
    data, config = sequences(), settings(loss_weights=(1.0, 5.0, 2.0), seed=4)
    trained, plain = make(positions), make(positions)
    history = train(trained, data, config)
    windows, decayed = make_windows(data, V, CPU), matmul_weights(plain)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p], "weight_decay": 0.1 if name in decayed else 0.0}
            for name, p in plain.named_parameters()
        ],
        betas=(0.9, 0.95),
        fused=False,
    )
    order, losses = Shuffle(4, windows.size, CPU), []
    for step in range(config.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, config.schedule(windows.size))
        inputs, targets = gather(windows, order.take(step * 8, 8), T)
        known = targets != IGNORED
        weights = torch.tensor([5.0, 2.0, 1.0] * T).expand_as(targets)[known]
        costs = F.cross_entropy(plain(inputs)[known], targets[known], reduction="none")
        loss = (weights * costs).sum() / len(costs)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    torch.testing.assert_close(
        parameters(trained), parameters(plain), atol=1e-4, rtol=0
    )
    means = [np.mean(losses[a : a + 9]) for a in range(0, 20, 9)]
    assert [epoch.training_loss for epoch in history] == pytest.approx(means, rel=1e-4)


def test_a_sequence_is_learned_and_so_is_its_end() -> None:
    # bins 0, 1, then a true end; bins 2, 3, then a time limit
    rows = np.tile(np.arange(4, dtype=np.uint8), 10)
    tokens = np.repeat(rows[:, None], P, 1)
    data = Sequences(tokens, np.arange(2, 41, 2), np.arange(20) % 2 == 0)
    model = make(dropout=0.05)
    history = train(model, data, settings(steps=100), held_out=data)
    assert history[-1].held_out[1:] == pytest.approx((0.0, 0.0), abs=0.05)
    assert not model.training
    assert stop_probability(model, tokens[0:1]) < 0.1
    assert stop_probability(model, tokens[2:3]) < 0.1
    assert stop_probability(model, tokens[0:2]) > 0.9
    assert stop_probability(model, tokens[1:2]) > 0.9


def test_held_out_loss_is_the_mean_over_recorded_tokens() -> None:
    data, model = sequences(count=3, length=5), make()
    parts = {"observation": slice(0, 2), "value": slice(2, 3)}
    (record,) = train(
        model, data, settings(steps=2, batch=99), held_out=data, parts=parts
    )[-1:]
    costs: list[list[float]] = [[], [], []]
    for episode in np.split(data.tokens, data.ends[:-1]):
        for start in range(0, len(episode), T):
            window = torch.from_numpy(episode[start : start + T + 1].astype(np.int64))
            tokens = window.flatten()[: T * P + 1]
            with torch.no_grad():
                scores = model(tokens[None, : T * P])[0].log_softmax(-1)
            for index, target in enumerate(tokens[1:].tolist(), start=1):
                costs[index % P].append(-float(scores[index - 1, target]))
    assert record.held_out == pytest.approx([np.mean(c) for c in costs], abs=1e-5)
    assert [len(c) for c in costs] == [3 * 4, 3 * 5, 3 * 5]
    first, second, third = record.held_out
    assert record.parts["observation"] == pytest.approx((first + second) / 2)
    assert record.parts["value"] == pytest.approx(third)


def reseed(_: object) -> None:
    torch.manual_seed(0)


def test_measuring_and_reporting_change_nothing_that_is_learned() -> None:
    data, quiet, watched = sequences(), make(dropout=0.2), make(dropout=0.2)
    train(quiet, data, settings())
    train(
        watched,
        data,
        settings(report_every=1),
        held_out=data,
        on_progress=reseed,
        on_epoch=reseed,
    )
    assert torch.equal(parameters(quiet), parameters(watched))


def test_the_seed_decides_the_run_and_the_global_state_is_left_alone() -> None:
    data, models = sequences(), [make(dropout=0.2) for _ in range(3)]
    for model, seed, outside in zip(models, (0, 0, 1), (5, 6, 7), strict=True):
        torch.manual_seed(outside)
        before = torch.random.get_rng_state()
        train(model, data, settings(seed=seed))
        assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(parameters(models[0]), parameters(models[1]))
    assert not torch.equal(parameters(models[0]), parameters(models[2]))


def test_progress_and_epochs_are_reported_as_they_happen() -> None:
    seen: list[Progress | Epoch] = []
    config = settings(steps=10, steps_per_epoch=4, report_every=3)
    history = train(
        make(), sequences(), config, on_progress=seen.append, on_epoch=seen.append
    )
    kinds = [(type(x).__name__, x.step, x.epoch) for x in seen]
    assert kinds == [
        ("Progress", 3, 1),
        ("Epoch", 4, 1),
        ("Progress", 6, 2),
        ("Epoch", 8, 2),
        ("Progress", 9, 3),
        ("Epoch", 10, 3),
        ("Progress", 10, 3),
    ]
    assert [x for x in seen if isinstance(x, Epoch)] == list(history)
    last = seen[-1]
    assert isinstance(last, Progress)
    assert last.seconds_left == 0.0
    assert last.tokens_per_second > 0
    assert history[-1].training_loss == pytest.approx(last.loss)
    schedule = config.schedule(72)
    assert [e.learning_rate for e in history] == [
        learning_rate(step, schedule) for step in (3, 7, 9)
    ]


def test_processor_time_is_that_of_the_steps_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, reads = iter(range(1_000_000)), list[int]()

    def read() -> float:
        reads.append(next(clock))
        return float(reads[-1])

    monkeypatch.setattr(time, "process_time", read)
    data, config = sequences(), settings(steps=10, steps_per_epoch=4)

    def look(_: Epoch) -> None:
        time.process_time()

    history = train(make(), data, config, held_out=data, on_epoch=look)
    # each step reads the clock before and after: it takes a second of this clock
    assert [epoch.cpu_seconds for epoch in history] == [4.0, 8.0, 10.0]
    assert len(reads) == 2 * 10 + 3


def test_the_time_of_callbacks_is_left_out() -> None:
    seen: list[Progress | Epoch] = []

    def wait(report: Progress | Epoch) -> None:
        time.sleep(0.1)
        seen.append(report)

    config = settings(steps=12, steps_per_epoch=3, report_every=2)
    began = time.perf_counter()
    train(make(), sequences(), config, on_progress=wait, on_epoch=wait)
    assert len(seen) == 10
    assert seen[-1].seconds < time.perf_counter() - began - 0.9
    assert [report.seconds for report in seen] == sorted(r.seconds for r in seen)


def test_what_a_checkpoint_holds_was_reported_before(tmp_path: Path) -> None:
    file, reported = tmp_path / "run.safetensors", list[int]()

    def kill(progress: Progress) -> None:
        reported.append(progress.step)
        if progress.step == 8:
            raise RuntimeError("killed")

    config = settings(steps=12, report_every=2, checkpoint_every=4)
    with pytest.raises(RuntimeError, match="killed"):
        train(make(), sequences(), config, checkpoint=file, on_progress=kill)
    train(
        *(make(), sequences(), config),
        checkpoint=file,
        on_progress=lambda progress: reported.append(progress.step),
    )
    assert reported == [2, 4, 6, 8, 6, 8, 10, 12]


def test_training_prints_nothing(
    capfd: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train(make(), sequences(), settings(steps=2))
    train(make(), sequences(), settings(steps=2, precision="bf16-mixed"))
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
    assert list(tmp_path.iterdir()) == []


def test_bfloat16_learns_like_float32() -> None:
    data = sequences()
    losses = [
        train(make(), data, settings(steps=60, precision=precision))[-1].training_loss
        for precision in ("32-true", "bf16-mixed")
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.2)


def test_a_cpu_attends_in_float32_where_the_rest_is_bfloat16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attend: Any = torch.nn.functional.scaled_dot_product_attention
    seen: list[torch.dtype] = []

    def watch(*given: torch.Tensor, **settings: Any) -> torch.Tensor:
        mixed: torch.Tensor = attend(*given, **settings)
        seen.extend(tensor.dtype for tensor in (*given, mixed))
        return mixed

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watch)
    model = make()
    with torch.autocast("cpu", torch.bfloat16):
        assert model(torch.zeros(2, 5, dtype=torch.int64)).dtype == torch.bfloat16
    assert set(seen) == {torch.float32}
    assert len(seen) == 4 * model.config.layers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_for_the_step_to_end(number: signal.Signals) -> None:
    model, plain, data = make(), make(), sequences()

    def press(_module: object, _inputs: object) -> None:
        os.kill(os.getpid(), number)

    handle = model.register_forward_pre_hook(press)
    with pytest.raises(KeyboardInterrupt):
        train(model, data, settings())
    handle.remove()
    done: list[torch.Tensor] = []
    train(
        plain,
        data,
        settings(report_every=1),
        on_progress=lambda _: done.append(parameters(plain)),
    )
    assert torch.equal(parameters(model), done[0])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"batch": 1.5}, "batch"),
        ({"betas": (0.9, 1.0)}, r"betas in \[0, 1\)"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"final_fraction": 1.5}, "final_fraction"),
        ({"warmup_steps": 21}, "warm-up must end before"),
        ({"loss_weights": (1.0, -1.0, 0.0)}, "none negative"),
        ({"loss_weights": (0.0, 0.0, 0.0)}, "not all 0"),
        ({"precision": "16"}, "precision"),
    ],
)
def test_bad_settings_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        settings(**change)


def test_settings_that_do_not_fit_the_model_are_refused() -> None:
    data = sequences()
    with pytest.raises(ValueError, match=r"3 loss weights.*got 2"):
        train(make(), data, settings(loss_weights=(1.0, 5.0)))
    with pytest.raises(ValueError, match="cover 2 transitions"):
        train(make("learned"), data, settings(transitions=3))
    wrong = data._replace(tokens=data.tokens + np.uint8(4))
    with pytest.raises(ValueError, match="below the vocabulary 5; got 8"):
        train(make(), wrong, settings())
    with pytest.raises(ValueError, match="below the vocabulary 5; got 8"):
        train(make(), data, settings(), held_out=wrong)


def test_the_default_warm_up_is_an_epoch_or_a_tenth_of_the_run() -> None:
    assert settings(steps=1000).schedule(80).warmup_steps == 10
    assert settings(steps=50).schedule(80).warmup_steps == 5
    assert settings(steps=50, warmup_steps=0).schedule(80).warmup_steps == 0
    assert settings(steps=50).schedule(80).decay_steps == 50
    assert settings(steps=50).epoch_steps(81) == 11
