import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch

from tt_critic import Critic, IQLConfig, Progress, Transitions, _files, train_critic
from tt_critic._interrupt import held_interrupts
from tt_critic._learner import Learner

CONFIG = IQLConfig(hidden=(16, 16), batch=8, steps=40, seed=3)


def transitions(seed: int = 0, count: int = 60) -> Transitions:
    rng = np.random.default_rng(seed)
    return Transitions(
        rng.normal(size=(count, 3)),
        rng.uniform(-1, 1, size=(count, 2)),
        rng.normal(size=count),
        rng.normal(size=(count, 3)),
        rng.random(count) < 0.1,
    )


def interrupt_at(step: int) -> Callable[[Progress], None]:
    def stop(progress: Progress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    return stop


def interrupted(path: Path, step: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        train_critic(
            transitions(),
            CONFIG,
            checkpoint=path,
            checkpoint_every=20,
            report_every=1,
            on_progress=interrupt_at(step),
        )


def assert_same(first: Critic, second: Critic) -> None:
    assert torch.equal(first.networks, second.networks)
    assert torch.equal(first.log_deviation, second.log_deviation)


@pytest.mark.parametrize("step", [20, 33])
def test_an_interrupted_run_continues_to_the_same_bits(
    tmp_path: Path, step: int
) -> None:
    path = tmp_path / "run" / "checkpoint.safetensors"
    interrupted(path, step)
    seen: list[int] = []
    resumed = train_critic(
        transitions(),
        CONFIG,
        checkpoint=path,
        on_progress=lambda progress: seen.append(progress.step),
        report_every=1,
    )
    assert seen == list(range(step + 1, CONFIG.steps + 1))
    assert_same(resumed, train_critic(transitions(), CONFIG))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_ctrl_c_waits_for_the_update_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    done: list[int] = []
    update = Learner.update

    def pressed(learner: Learner, step: int) -> None:
        if step == 32:
            os.kill(os.getpid(), signal.SIGINT)
        update(learner, step)
        done.append(step)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "update", pressed)
        with pytest.raises(KeyboardInterrupt):
            train_critic(transitions(), CONFIG, checkpoint=path)
        assert done[-1] == 32
        resumed = train_critic(transitions(), CONFIG, checkpoint=path)
    assert done == list(range(CONFIG.steps))
    assert_same(resumed, train_critic(transitions(), CONFIG))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_twice_does_not_wait() -> None:
    with held_interrupts() as pressed:
        os.kill(os.getpid(), signal.SIGINT)
        assert pressed.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_finished_run_is_read_back_without_an_update(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    first = train_critic(transitions(), CONFIG, checkpoint=path)
    steps: list[Progress] = []
    again = train_critic(
        transitions(), CONFIG, checkpoint=path, on_progress=steps.append
    )
    assert_same(first, again)
    assert steps == []


def test_the_seed_decides_the_critic() -> None:
    first = train_critic(transitions(), CONFIG)
    assert_same(first, train_critic(transitions(), CONFIG))
    other = train_critic(transitions(), attrs.evolve(CONFIG, seed=4))
    assert not torch.equal(first.networks, other.networks)


def test_a_crash_while_writing_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    interrupted(path, 20)
    before = path.read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            train_critic(transitions(), CONFIG, checkpoint=path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_of_other_settings_or_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    interrupted(path, 20)
    with pytest.raises(ValueError, match=r"expectile \(0.7 there, 0.9 here\)"):
        train_critic(
            transitions(), attrs.evolve(CONFIG, expectile=0.9), checkpoint=path
        )
    with pytest.raises(ValueError, match="given transitions"):
        train_critic(transitions(seed=1), CONFIG, checkpoint=path)


def test_a_checkpoint_from_before_a_setting_was_there_is_continued(
    tmp_path: Path,
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    interrupted(path, 20)
    state, facts = _files.read(path, "tt-critic checkpoint")
    settings = {k: v for k, v in facts["config"].items() if k != "tanh"}
    _files.write(path, "tt-critic checkpoint", state, {**facts, "config": settings})
    with pytest.raises(ValueError, match=r"tanh \(False there, True here\)"):
        train_critic(transitions(), attrs.evolve(CONFIG, tanh=True), checkpoint=path)
    continued = train_critic(transitions(), CONFIG, checkpoint=path)
    assert_same(continued, train_critic(transitions(), CONFIG))


def test_a_tanh_keeps_the_policy_inside_of_what_it_imitates() -> None:
    data = transitions()
    at_the_edge = data._replace(actions=np.sign(data.actions))
    config = attrs.evolve(CONFIG, tanh=True, steps=300, learning_rate=1e-2)
    critic = train_critic(at_the_edge, config)
    acted = critic.act(data.observations)
    assert critic.tanh
    assert 0.3 < acted.abs().max() < 1.0
    with pytest.raises(ValueError, match="must be -1 and 1 for a policy with a tanh"):
        train_critic(data, config, bounds=(-2.0, 2.0))


def test_a_checkpoint_of_another_kind_of_device_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    interrupted(path, 20)
    state, facts = _files.read(path, "tt-critic checkpoint")
    state["generator"] = torch.zeros(16, dtype=torch.uint8)  # as large as CUDA's
    _files.write(path, "tt-critic checkpoint", state, facts)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"on an accelerator \(cuda\).* got cpu"):
        train_critic(transitions(), CONFIG, checkpoint=path)
    assert path.read_bytes() == before


def test_a_folder_in_place_of_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a tt-critic checkpoint file, got a folder"):
        train_critic(transitions(), CONFIG, checkpoint=tmp_path)


def test_a_truncated_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    interrupted(path, 20)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors .* truncated"):
        train_critic(transitions(), CONFIG, checkpoint=path)


def test_what_a_checkpoint_holds_was_reported_before(tmp_path: Path) -> None:
    path, reported = tmp_path / "checkpoint.safetensors", list[int]()

    def kill(progress: Progress) -> None:
        reported.append(progress.step)
        if progress.step == 40:
            raise RuntimeError("killed")

    def go(on_progress: Callable[[Progress], None]) -> None:
        train_critic(
            *(transitions(), CONFIG),
            checkpoint=path,
            checkpoint_every=20,
            report_every=10,
            on_progress=on_progress,
        )

    more: list[int] = []
    with pytest.raises(RuntimeError, match="killed"):
        go(kill)
    go(lambda progress: more.append(progress.step))
    assert reported == [10, 20, 30, 40]
    assert more[:2] == [30, 40]


def test_a_critic_can_be_had_in_the_middle_and_is_the_one_of_that_step() -> None:
    halves: list[Critic] = []
    config = attrs.evolve(CONFIG, steps=20)
    train_critic(
        transitions(),
        config,
        report_every=10,
        on_progress=lambda progress: halves.append(progress.critic()),
    )
    assert not torch.equal(halves[0].networks, halves[1].networks)
    assert_same(halves[1], train_critic(transitions(), config))


def test_progress_is_reported_at_the_interval_and_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[Progress] = []
    config = attrs.evolve(CONFIG, steps=25)
    train_critic(transitions(), config, report_every=10, on_progress=seen.append)
    assert [progress.step for progress in seen] == [10, 20, 25]
    assert all(np.isfinite(progress[:5]).all() for progress in seen)
    with caplog.at_level(logging.INFO, "tt_critic"):
        train_critic(transitions(), config)
    assert "update 25 of 25" in caplog.text


def test_the_policy_is_the_average_action_under_advantage_weights() -> None:
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, size=(500, 1))
    here = np.ones((500, 1))
    data = Transitions(here, actions, (actions[:, 0] > 0.5), here, np.ones(500))
    config = IQLConfig(
        hidden=(16,), learning_rate=1e-2, target_rate=0.1, steps=400, temperature=10.0
    )
    critic = train_critic(data, config)
    weights = np.exp(10.0 * critic.advantage(here, actions).numpy()).clip(max=100)
    expected = np.average(actions[:, 0], weights=weights)
    assert expected > 0.6
    assert critic.act(here[:1]).item() == pytest.approx(expected, abs=0.05)


def test_a_cuda_graph_on_a_cpu_and_empty_intervals_are_refused() -> None:
    with pytest.raises(ValueError, match="cuda_graph needs a CUDA device"):
        train_critic(transitions(), CONFIG, cuda_graph=True)
    with pytest.raises(ValueError, match="at least 1, got 0 and 5"):
        train_critic(transitions(), CONFIG, checkpoint_every=0, report_every=5)


@pytest.mark.parametrize(
    ("reports", "saves", "updates"),
    [(4, 100, "1 and 4"), (100, 4, "1 and 4"), (100, 100, "1 and 40")],
)
def test_rewards_that_no_loss_can_hold_end_training_with_one_error(
    tmp_path: Path, reports: int, saves: int, updates: str
) -> None:
    path, huge = tmp_path / "checkpoint.safetensors", transitions()
    huge.rewards[:] = 1e20
    for _ in range(2):
        with pytest.raises(ValueError, match=f"between updates {updates} of 40 .*inf"):
            train_critic(
                huge,
                CONFIG,
                checkpoint=path,
                report_every=reports,
                checkpoint_every=saves,
            )
        assert not path.exists()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_diverged_critic_never_takes_a_checkpoints_place(
    bad: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    update = Learner.update

    def broken(learner: Learner, step: int) -> None:
        update(learner, step)
        if step + 1 == 25:
            learner.networks[4, 0] = bad

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "update", broken)
        with pytest.raises(
            ValueError, match=r"between updates 21 and 30 .*rate 0\.0003"
        ):
            train_critic(transitions(), CONFIG, checkpoint=path, checkpoint_every=10)
    _, facts = _files.read(path, "tt-critic checkpoint")
    assert facts["step"] == 20
    found = train_critic(transitions(), CONFIG, checkpoint=path)
    assert_same(found, train_critic(transitions(), CONFIG))


def test_a_checkpoint_that_lacks_something_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    interrupted(path, 20)
    tensors, facts = _files.read(path, "tt-critic checkpoint")
    for name in tensors:
        kept = {key: value for key, value in tensors.items() if key != name}
        for wrong in (kept, {**kept, name: torch.zeros(1, 2)}):
            _files.write(path, "tt-critic checkpoint", wrong, facts)
            if name.endswith(".step") and wrong is not kept:
                continue
            with pytest.raises(ValueError, match="checkpoint"):
                train_critic(transitions(), CONFIG, checkpoint=path)
    for name in facts:
        odds: tuple[Any, ...] = (None, [3], {})
        for odd in odds:
            _files.write(path, "tt-critic checkpoint", tensors, {**facts, name: odd})
            with pytest.raises(ValueError, match="checkpoint"):
                train_critic(transitions(), CONFIG, checkpoint=path)
