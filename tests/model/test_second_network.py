"""The network beside the paper's: its inputs, its outputs, and that it trains."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from tt_model import (
    Decoder,
    Progress,
    Sequences,
    TrainConfig,
    TrajectoryTransformer,
    TransformerConfig,
    load,
    save,
    train,
)
from tt_model._outputs import RelativeHead
from tt_model._ranks import rank_features
from tt_model.training.optimizer import matmul_weights

V, P = 7, 5
SECOND: dict[str, Any] = {
    "inputs": "transition",
    "outputs": "relative",
    "per_position": True,
    "attending": 1,
}
PAPERS_SETTINGS = {
    *("vocabulary", "transition", "layers", "heads", "width", "positions", "window"),
    *("span", "masked", "dropout"),
}


def make(
    *, seed: int = 0, spread: float = 0.3, **changes: Any
) -> TrajectoryTransformer:
    """Build a small random model whose logits spread widely."""
    sizes: dict[str, Any] = {"layers": 2, "heads": 2, "width": 16, "window": 3}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = TransformerConfig(V, P, **{**sizes, **SECOND, **changes})
        model = TrajectoryTransformer(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(spread * torch.randn_like(parameter))
    return model


def tokens(rows: int, length: int, seed: int = 1) -> Tensor:
    """Draw tokens, stop tokens among them."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, V + 1, (rows, length), generator=generator)


def sequences() -> Sequences:
    """Episodes that count up from a random bin, every other one truly ending."""
    begins = np.random.default_rng(0).integers(0, V, 12)[:, None, None]
    steps = np.arange(6)[None, :, None] + np.arange(P)[None, None]
    counted = ((begins + steps) % V).astype(np.uint8).reshape(-1, P)
    return Sequences(counted, np.arange(6, 73, 6), np.arange(12) % 2 == 0)


def parameters(model: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@torch.no_grad()
def test_an_input_is_linear_in_its_transition_so_far_and_the_previous_one() -> None:
    stem, sequence = make().stem, tokens(1, 3 * P)
    embedding, features = stem.embedding, rank_features(V, stem.embedding.table)

    def embed(index: int) -> Tensor:
        position, token = index % P, sequence[0, index]
        smooth = features[token] @ embedding.smooth[position]
        return embedding.table[position, token] + smooth

    found = stem(sequence)[0]
    for index in range(3 * P):
        begin, position = index - index % P, index % P
        own, past = torch.zeros(32), torch.zeros(32)
        for i in range(begin, index + 1):
            own += embed(i) @ stem.own.weight[i % P]
        for i in range(begin - P, begin - 1) if begin else ():  # the value left out
            past += embed(i) @ stem.past.weight[i % P]
        expected = stem.from_own.at(own, position) + stem.from_past.at(past, position)
        torch.testing.assert_close(found[index], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_logit_is_a_bins_own_a_smooth_one_and_one_by_distance() -> None:
    head, sequence, x = make().head, tokens(1, 2 * P), torch.randn(1, 2 * P, 16)
    assert isinstance(head, RelativeHead)
    features, found = rank_features(V, head.weight), head(x, sequence)[0]
    for index in range(2 * P):
        position, next_one = index % P, (index + 1) % P
        expected = x[0, index] @ head.weight[position]
        expected += head.smooth.at(x[0, index], position) @ features.t()
        distances = head.distance.at(x[0, index], position)
        last = int(sequence[0, index + 1 - P]) if index >= P - 1 else V
        if last < V and next_one != P - 1:
            for token in range(V):
                expected[token] += distances[token - last + V - 1]
        torch.testing.assert_close(found[index], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"masked": (1, -1)}, {"per_position": False}])
def test_only_what_may_be_seen_is_seen(changes: dict[str, Any]) -> None:
    model, sequence = make(**changes), tokens(1, 20)
    logits = model(sequence)[0]
    for index in (4, 7, 9):
        changed = sequence.clone()
        changed[:, index] = (changed[:, index] + 1) % V
        other = model(changed)[0]
        differs = [i for i in range(20) if not torch.allclose(logits[i], other[i])]
        masked = index % P in model.config.masked_positions
        assert differs[:1] == [index]
        assert (differs == [index]) == masked


def test_it_starts_as_inputs_and_outputs_alone() -> None:
    model, sequence = make(spread=0.0), tokens(2, 12)
    expected = model.ln_f(model.stem(sequence))
    torch.testing.assert_close(model._features(sequence), expected)


def test_training_and_evaluation_compute_the_same() -> None:
    model, sequence = make(dropout=0.0), tokens(3, 13)
    expected = model(sequence)
    for length in range(1, 14):
        found = model.next_logits(sequence[:, :length])
        torch.testing.assert_close(found, expected[:, length - 1])
    assert torch.equal(model.train()(sequence), expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_every_integer_type_is_read_alike(dtype: torch.dtype) -> None:
    model, sequence = make(), tokens(2, 13)
    assert torch.equal(model(sequence.to(dtype)), model(sequence))
    for length in (3, 13):
        prefix = sequence[:, :length]
        assert torch.equal(
            model.next_logits(prefix.to(dtype)), model.next_logits(prefix)
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"positions": "learned"}, "use rotary positions"),
        ({"positions": "learned", "outputs": "table"}, "use rotary positions"),
        ({"positions": "learned", "inputs": "token"}, "use rotary positions"),
        ({"attending": 3}, "at most all 2 layers attend; got 3"),
        ({"attending": 0}, "whole number of at least 1"),
        ({"inputs": "tokens"}, "must be in"),
        ({"outputs": "smooth"}, "must be in"),
    ],
)
def test_settings_that_contradict_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make(**settings)


def test_only_matrices_decay() -> None:
    assert {name for name in matmul_weights(make()) if "blocks" not in name} == {
        *("stem.own.weight", "stem.past.weight"),
        *("stem.from_own.weight", "stem.from_past.weight"),
        *("head.weight", "head.smooth.weight", "head.distance.weight"),
    }


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_it_learns(precision: Any) -> None:
    settings: dict[str, Any] = {"batch": 8, "transitions": 3, "learning_rate": 1e-2}
    config = TrainConfig(40, steps_per_epoch=10, precision=precision, **settings)
    history = train(make(spread=0.0), sequences(), config)
    assert history[-1].training_loss < 0.5 * history[0].training_loss


def test_a_stopped_run_continues_to_the_same_bits(tmp_path: Path) -> None:
    path, config = tmp_path / "run.safetensors", TrainConfig(20, batch=8, transitions=3)
    straight, stopped, resumed = make(), make(), make(seed=1)

    def stop(progress: Progress) -> None:
        if progress.step == 10:
            raise KeyboardInterrupt

    train(straight, sequences(), config)
    with pytest.raises(KeyboardInterrupt):
        train(stopped, sequences(), config, checkpoint=path, on_progress=stop)
    train(resumed, sequences(), config, checkpoint=path)
    assert torch.equal(parameters(resumed), parameters(straight))
    assert not torch.equal(parameters(stopped), parameters(straight))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_saved_model_is_the_same_model(dtype: torch.dtype, tmp_path: Path) -> None:
    path, model = tmp_path / "model.safetensors", make().to(dtype)
    save(model, path)
    loaded = load(path)
    assert loaded.config == model.config
    assert torch.equal(loaded(tokens(2, 12)), model(tokens(2, 12)))
    prefix = tokens(2, 12)
    first, second = (Decoder(m).start(prefix)[0] for m in (loaded, model))
    assert torch.equal(first, second)


def test_files_of_the_papers_network_do_not_name_the_second(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save(TrajectoryTransformer(TransformerConfig(V, P, width=16)), path)
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["content"]).keys() == PAPERS_SETTINGS
