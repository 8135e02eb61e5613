import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tt_model
from tt_bench.data.episodes import Episodes
from tt_bench.methods import transformer
from tt_bench.methods.precision import Precision, choose_precision
from tt_bench.methods.settings import (
    ModelSettings,
    Recipe,
    TokenizerSettings,
    TrainingSettings,
)
from tt_bench.methods.transformer import train_transformer
from tt_model import TrainConfig, TrajectoryTransformer

AUTO = Recipe(
    tokenizer=TokenizerSettings(bins=9),
    model=ModelSettings(layers=1, heads=1, width=8),
    training=TrainingSettings(steps=3, batch=4, transitions=3, precision="auto"),
)


def episodes(count: int = 4, length: int = 5) -> Episodes:
    draws = np.random.default_rng(0)
    size = count * length
    return Episodes(
        observations=draws.normal(size=(size, 3)),
        actions=draws.normal(size=(size, 2)),
        rewards=np.ones(size),
        ends=np.arange(1, count + 1) * length,
        terminated=np.zeros(count, bool),
        final_observations=draws.normal(size=(count, 3)),
    )


@pytest.mark.parametrize(
    ("single", "half", "chosen"),
    [(1.0, 0.5, "bf16-mixed"), (1.0, 0.95, "32-true"), (1.0, 3.0, "32-true")],
)
def test_bfloat16_is_taken_where_its_steps_are_clearly_faster(
    single: float, half: float, chosen: str, tmp_path: Path
) -> None:
    seconds: dict[Precision, float] = {"32-true": single, "bf16-mixed": half}
    assert choose_precision(seconds.__getitem__, tmp_path / "p.json") == chosen


def test_the_choice_is_remembered(tmp_path: Path) -> None:
    def refuse(_: Precision) -> float:
        raise AssertionError("timed again")

    path = tmp_path / "p.json"
    seconds: dict[Precision, float] = {"32-true": 2.0, "bf16-mixed": 1.0}
    choose_precision(seconds.__getitem__, path)
    assert choose_precision(refuse, path) == "bf16-mixed"
    path.write_text(json.dumps({"precision": "int3"}))
    with pytest.raises(ValueError, match=r"p\.json.*bf16-mixed, got int3"):
        choose_precision(refuse, path)


def test_a_training_goes_on_in_the_chosen_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([2.0, 1.0])  # single precision, bfloat16
    monkeypatch.setattr(transformer, "time_steps", lambda _: next(seconds))
    used: list[str] = []
    real = tt_model.train

    def train(
        model: TrajectoryTransformer, data: Any, config: TrainConfig, **named: Any
    ) -> Any:
        used.append(config.precision)
        return real(model, data, config, **named)

    monkeypatch.setattr(tt_model, "train", train)
    train_transformer(episodes(), AUTO, tmp_path, seed=0, device="cpu")
    assert used == ["bf16-mixed"]
    chosen = json.loads((tmp_path / "precision.json").read_text())
    assert chosen["precision"] == "bf16-mixed"


def test_auto_times_real_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tt_bench.methods.pace._ENOUGH", 0.05)
    train_transformer(episodes(), AUTO, tmp_path, seed=0, device="cpu")
    chosen = json.loads((tmp_path / "precision.json").read_text())
    assert all(0 < taken < 10 for taken in chosen["seconds of a step"].values())
