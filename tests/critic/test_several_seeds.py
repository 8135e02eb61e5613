"""Critics of several seeds that learn at once are those of each seed alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch

from tt_critic import IQLConfig, Progress, Transitions, train_critic, train_critics
from tt_critic._learner import Learner
from tt_critic._transitions import Sizes, pack

SEEDS = (3, 0, 8)
CONFIG = IQLConfig(batch=16, learning_rate=1e-2, hidden=(8, 8), steps=40)


def transitions() -> Transitions:
    rng = np.random.default_rng(0)
    return Transitions(
        rng.normal(size=(60, 3)),
        rng.uniform(-1, 1, size=(60, 2)),
        rng.normal(size=60),
        rng.normal(size=(60, 3)),
        rng.random(60) < 0.1,
    )


@pytest.mark.parametrize(
    "changed", [{}, {"tanh": True}, {"hidden": (4, 12, 8), "batch": 1}]
)
def test_every_update_is_that_of_each_seed_alone(changed: dict[str, Any]) -> None:
    config, data = attrs.evolve(CONFIG, **changed), pack(transitions()).double()
    together = Learner(data, Sizes(3, 2), config, SEEDS)
    alone = [Learner(data, Sizes(3, 2), config, [seed]) for seed in SEEDS]
    for step in range(config.steps):
        for learner in (together, *alone):
            learner.update(step)
        losses = [learner.losses()[0] for learner in alone]
        torch.testing.assert_close(together.losses(), losses, rtol=1e-11, atol=1e-13)
    for state, learner in zip(together.states(), alone, strict=True):
        torch.testing.assert_close(state, learner.states()[0], rtol=1e-11, atol=1e-13)


def test_critics_that_learn_at_once_are_those_of_each_seed_to_rounding() -> None:
    critics = train_critics(transitions(), CONFIG, SEEDS)
    for seed, critic in zip(SEEDS, critics, strict=True):
        alone = train_critic(transitions(), attrs.evolve(CONFIG, seed=seed))
        torch.testing.assert_close(
            critic.networks, alone.networks, rtol=1e-4, atol=1e-6
        )
        torch.testing.assert_close(
            critic.log_deviation, alone.log_deviation, rtol=1e-4, atol=1e-6
        )
    assert not torch.allclose(critics[0].networks, critics[1].networks)


def test_one_checkpoint_continues_them_all_to_the_same_bits(tmp_path: Path) -> None:
    path, seen = tmp_path / "checkpoint.safetensors", list[int]()

    def stop(reports: Sequence[Progress]) -> None:
        assert len(reports) == len(SEEDS)
        seen.append(reports[0].step)
        if reports[0].step == 20:
            raise KeyboardInterrupt

    for again in (False, True):
        if again:
            critics = train_critics(
                transitions(), CONFIG, SEEDS, checkpoint=path, on_progress=stop
            )
        else:
            with pytest.raises(KeyboardInterrupt):
                train_critics(
                    transitions(),
                    CONFIG,
                    SEEDS,
                    checkpoint=path,
                    on_progress=stop,
                    report_every=20,
                )
    assert seen == [20, 40]
    whole = train_critics(transitions(), CONFIG, SEEDS)
    for critic, expected in zip(critics, whole, strict=True):
        assert torch.equal(critic.networks, expected.networks)
        assert torch.equal(critic.log_deviation, expected.log_deviation)


def test_a_checkpoint_of_other_seeds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    train_critics(transitions(), CONFIG, SEEDS, checkpoint=path)
    with pytest.raises(ValueError, match=r"seed \(\[3, 0, 8\] there, \[3, 0\] here\)"):
        train_critics(transitions(), CONFIG, SEEDS[:2], checkpoint=path)
    with pytest.raises(ValueError, match=r"seed \(\[3, 0, 8\] there, 3 here\)"):
        train_critics(transitions(), CONFIG, SEEDS[:1], checkpoint=path)


def test_one_that_diverges_ends_training_with_one_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    update = Learner.update

    def broken(learner: Learner, step: int) -> None:
        update(learner, step)
        if step == 25:
            learner.networks[4, 1] = float("nan")

    monkeypatch.setattr(Learner, "update", broken)
    with pytest.raises(ValueError, match=r"between updates 21 and 30 of 40 .*Q loss"):
        train_critics(transitions(), CONFIG, SEEDS, report_every=10)


def test_no_seeds_and_seeds_that_torch_refuses_are_one_error() -> None:
    with pytest.raises(ValueError, match="at least one, got none"):
        train_critics(transitions(), CONFIG, [])
    with pytest.raises(ValueError, match="'seed' must be"):
        train_critics(transitions(), CONFIG, [0, 2**64])
