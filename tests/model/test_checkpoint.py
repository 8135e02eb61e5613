"""A run that was stopped, however rudely, ends like one that never was."""

import inspect
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tt_model._config import Positions, TransformerConfig
from tt_model._model_file import load, save
from tt_model._transformer import TrajectoryTransformer
from tt_model.training.config import TrainConfig
from tt_model.training.data import Sequences
from tt_model.training.history import Epoch, Progress
from tt_model.training.train import train

SETTINGS: dict[str, Any] = {
    "steps": 120,
    "batch": 4,
    "transitions": 2,
    "learning_rate": 1e-2,
    "checkpoint_every": 25,
}
IMPORTS = """
import os, signal, sys
import numpy as np
import torch
from tt_model._config import Positions, TransformerConfig
from tt_model.training.data import Sequences
from tt_model.training.config import TrainConfig
from tt_model.training.train import train
from tt_model._transformer import TrajectoryTransformer
"""
DIE_WHILE_WRITING = """
written, replace = [], os.replace
def replace_or_die(source, target):
    written.append(target)
    if len(written) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = replace_or_die
torch.set_num_threads(int(sys.argv[2]))
train(make(), sequences(), TrainConfig(**SETTINGS), checkpoint=sys.argv[1])
"""


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Keep tiny operations on one thread, where they are fastest."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def sequences() -> Sequences:
    tokens = np.random.default_rng(0).integers(0, 5, (60, 3)).astype(np.uint8)
    return Sequences(tokens, np.arange(6, 61, 6), np.arange(10) % 2 == 0)


def make(positions: Positions = "rotary") -> TrajectoryTransformer:
    sizes: dict[str, Any] = {
        "layers": 1,
        "heads": 2,
        "width": 16,
        "window": 2,
        "span": 2,
    }
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return TrajectoryTransformer(
            TransformerConfig(5, 3, positions=positions, dropout=0.2, **sizes)
        )


def parameters(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def stripped(history: tuple[Epoch, ...]) -> list[tuple[object, ...]]:
    """Return the records without the time they took."""
    return [(e.epoch, e.step, e.training_loss, e.learning_rate) for e in history]


@pytest.fixture(scope="module")
def straight() -> tuple[torch.Tensor, list[tuple[object, ...]]]:
    """A run that nothing stopped, and that wrote no checkpoint."""
    model = make()
    history = train(model, sequences(), TrainConfig(**SETTINGS))
    return parameters(model), stripped(history)


def header(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        content: dict[str, Any] = json.loads(file.metadata()["content"])
    return content


@pytest.mark.parametrize(
    ("error", "when", "kept"), [(RuntimeError, 60, 50), (KeyboardInterrupt, 57, 57)]
)
def test_a_stopped_run_continues_to_the_same_bits(
    error: type[BaseException],
    when: int,
    kept: int,
    straight: tuple[torch.Tensor, list[tuple[object, ...]]],
    tmp_path: Path,
) -> None:
    path = tmp_path / "run" / "checkpoint.safetensors"

    def stop(progress: Progress) -> None:
        if progress.step == when:
            raise error

    config = TrainConfig(**SETTINGS, report_every=1)
    with pytest.raises(error):
        train(make(), sequences(), config, checkpoint=path, on_progress=stop)
    assert header(path)["step"] == kept
    model = make()
    first: list[Progress] = []
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()  # everything must come from the checkpoint
    torch.manual_seed(99)
    history = train(
        model, sequences(), config, checkpoint=path, on_progress=first.append
    )
    assert first[0].step == kept + 1
    assert torch.equal(parameters(model), straight[0])
    assert stripped(history) == straight[1]


def test_a_terminated_run_keeps_its_last_step(
    straight: tuple[torch.Tensor, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.safetensors"

    def terminate(progress: Progress) -> None:
        if progress.step == 57:
            os.kill(os.getpid(), signal.SIGTERM)

    config = TrainConfig(**SETTINGS, report_every=1)
    with pytest.raises(KeyboardInterrupt):
        train(make(), sequences(), config, checkpoint=path, on_progress=terminate)
    assert header(path)["step"] == 57
    model = make()
    history = train(model, sequences(), config, checkpoint=path)
    assert torch.equal(parameters(model), straight[0])
    assert stripped(history) == straight[1]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_run_killed_while_it_writes_a_checkpoint_continues_to_the_same_bits(
    straight: tuple[torch.Tensor, list[tuple[object, ...]]], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    source = IMPORTS + f"SETTINGS = {SETTINGS}\n"
    source += inspect.getsource(sequences) + inspect.getsource(make)
    command = [sys.executable, "-c", source + DIE_WHILE_WRITING, str(path)]
    done = subprocess.run([*command, str(torch.get_num_threads())], check=False)
    assert done.returncode == -signal.SIGKILL
    assert header(path)["step"] == 50
    assert len(list(tmp_path.iterdir())) == 2  # the file that was being written, too
    model = make()
    history = train(model, sequences(), TrainConfig(**SETTINGS), checkpoint=path)
    assert torch.equal(parameters(model), straight[0])
    assert stripped(history) == straight[1]
    assert path in tmp_path.iterdir()


def refuse(progress: Progress) -> None:
    raise AssertionError(f"step {progress.step} was taken again")


def test_a_finished_run_is_read_not_repeated(tmp_path: Path) -> None:
    path, first, second = tmp_path / "run.safetensors", make(), make()
    config = TrainConfig(**{**SETTINGS, "steps": 5})
    history = train(first, sequences(), config, checkpoint=path)
    again = train(second, sequences(), config, checkpoint=path, on_progress=refuse)
    assert again == history
    assert torch.equal(parameters(first), parameters(second))


def test_processor_time_counts_every_part_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    base = {**SETTINGS, "warmup_steps": 2, "decay_steps": 20, "steps_per_epoch": 4}
    short, long = (TrainConfig(**{**base, "steps": steps}) for steps in (8, 20))
    before = train(make(), sequences(), short, checkpoint=path)
    history = train(make(), sequences(), long, checkpoint=path)
    seconds = [epoch.cpu_seconds for epoch in history]
    assert seconds[:2] == [epoch.cpu_seconds for epoch in before]
    assert 0.0 < seconds[0] < seconds[1] < seconds[2] < seconds[-1]


def test_a_checkpoint_that_does_not_say_its_processor_time_is_continued(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.safetensors"
    config = TrainConfig(**{**SETTINGS, "steps": 5})
    train(make(), sequences(), config, checkpoint=path)
    content, tensors = header(path), load_file(path)
    with safe_open(path, framework="pt") as file:
        known = file.metadata()
    del content["cpu_seconds"], content["history"][0]["cpu_seconds"]
    del known["checksum"]
    save_file(tensors, path, metadata={**known, "content": json.dumps(content)})
    (epoch,) = train(make(), sequences(), config, checkpoint=path)
    assert (epoch.step, epoch.cpu_seconds) == (5, 0.0)


def test_a_run_can_be_made_longer_where_its_schedule_allows(tmp_path: Path) -> None:
    path, once, twice = tmp_path / "run.safetensors", make(), make()
    base = {**SETTINGS, "warmup_steps": 2, "decay_steps": 20}
    long = TrainConfig(**{**base, "steps": 20})
    train(once, sequences(), long)
    train(twice, sequences(), TrainConfig(**{**base, "steps": 8}), checkpoint=path)
    train(twice, sequences(), long, checkpoint=path)
    assert torch.equal(parameters(once), parameters(twice))
    with pytest.raises(ValueError, match="20 steps, more than the 8"):
        train(twice, sequences(), TrainConfig(**{**base, "steps": 8}), checkpoint=path)


def test_other_settings_or_data_are_refused_by_name(tmp_path: Path) -> None:
    path, data = tmp_path / "run.safetensors", sequences()
    config = {**SETTINGS, "steps": 3}
    train(make(), data, TrainConfig(**config), checkpoint=path)
    before = path.read_bytes()
    other = TrainConfig(**{**config, "batch": 5, "seed": 1})
    with pytest.raises(
        ValueError, match=r"run\.safetensors.*training\.batch was 4, is 5.*seed was 0"
    ):
        train(make(), data, other, checkpoint=path)
    with pytest.raises(ValueError, match=r"decay_steps was 3, is 9"):
        train(make(), data, TrainConfig(**{**config, "steps": 9}), checkpoint=path)
    with pytest.raises(ValueError, match=r"model\.positions was rotary, is learned"):
        train(make("learned"), data, TrainConfig(**config), checkpoint=path)
    changed = data._replace(terminated=~data.terminated)
    with pytest.raises(ValueError, match="data was"):
        train(make(), changed, TrainConfig(**config), checkpoint=path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_a_saved_model_is_the_same_model(positions: Positions, tmp_path: Path) -> None:
    path, model = tmp_path / "model.safetensors", make(positions).eval()
    save(model, path)
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    loaded = load(str(path))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert loaded.config == model.config
    assert not loaded.training
    tokens = torch.randint(0, 5, (2, 6))
    assert torch.equal(loaded(tokens), model(tokens))
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode
    plain.unlink()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("keep", [0, 5, 100, 0.5, 0.99])
def test_a_file_cut_short_gives_one_clear_error(keep: float, tmp_path: Path) -> None:
    model, run = tmp_path / "model.safetensors", tmp_path / "run.safetensors"
    config = TrainConfig(**{**SETTINGS, "steps": 1})
    save(make(), model)
    train(make(), sequences(), config, checkpoint=run)
    for path in (model, run):
        whole = path.read_bytes()
        size = int(keep * len(whole)) if isinstance(keep, float) else keep
        path.write_bytes(whole[:size])
    with pytest.raises(ValueError, match=r"model\.safetensors .* truncated"):
        load(model)
    with pytest.raises(ValueError, match=r"run\.safetensors .* truncated"):
        train(make(), sequences(), config, checkpoint=run)


def test_an_unknown_file_is_refused(tmp_path: Path) -> None:
    path, model = tmp_path / "m.safetensors", make()
    config = TrainConfig(**{**SETTINGS, "steps": 1})
    tensors = model.state_dict()
    save(model, path)
    with safe_open(path, framework="pt") as file:
        known = file.metadata()
    save_file(tensors, path, metadata={**known, "version": "9"})
    with pytest.raises(
        ValueError, match=r"m\.safetensors must have version 1, got '9'"
    ):
        load(path)
    save_file(tensors, path)
    with pytest.raises(
        ValueError, match="must be a tt-model model file, got format None"
    ):
        load(path)
    train(make(), sequences(), config, checkpoint=tmp_path / "run.safetensors")
    with pytest.raises(ValueError, match="got format 'tt-model training checkpoint'"):
        load(tmp_path / "run.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(tmp_path / "absent.safetensors")


def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    path, model = tmp_path / "m.safetensors", make()
    save(model, path)
    with safe_open(path, framework="pt") as file:
        known = file.metadata()
    del known["checksum"]  # as an earlier version wrote it
    content = json.loads(known["content"])
    for change in ({"width": 32}, {"heads": 0}, {"colour": "red"}):
        changed = {**known, "content": json.dumps({**content, **change})}
        save_file(model.state_dict(), path, metadata=changed)
        with pytest.raises(ValueError, match=r"m\.safetensors does not hold a model"):
            load(path)


def test_loading_executes_nothing(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = tmp_path / "m.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="truncated or damaged"):
        load(path)
    assert not (tmp_path / "sprung").exists()
