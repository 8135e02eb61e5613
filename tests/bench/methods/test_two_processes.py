"""Two processes that need one network: one trains it, the other waits and loads it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_COMMON = """
import sys, time
from pathlib import Path
import numpy as np
import torch
from tt_bench.data import Episodes
from tt_bench.methods import critic, resumable, transformer
from tt_bench.methods.settings import (
    CriticSettings, ModelSettings, Recipe, TokenizerSettings, TrainingSettings
)
from tt_bench.methods.task import Task

torch.set_num_threads(1)
folder = Path(sys.argv[1])
draws = np.random.default_rng(0)
episodes = Episodes(
    observations=draws.normal(size=(20, 3)),
    actions=draws.uniform(-1, 1, size=(20, 2)),
    rewards=np.ones(20),
    ends=np.arange(1, 5) * 5,
    terminated=np.arange(4) % 2 == 0,
    final_observations=draws.normal(size=(4, 3)),
)
recipe = Recipe(
    tokenizer=TokenizerSettings(bins=9),
    model=ModelSettings(layers=1, heads=1, width=8),
    training=TrainingSettings(steps=40, batch=4, transitions=3),
    critic=CriticSettings(steps=40, batch=4, width=4),
)
task = Task(low=-np.ones(2, np.float32), high=np.ones(2, np.float32), steps=8)
steps = 0

def counted(*progress):
    global steps
    steps += progress[0] != 0
    if steps == 1:
        print("trains", flush=True)
    time.sleep(0.05)
"""
_NETWORKS = {
    "transformer": """
found = transformer.train_transformer(
    episodes, recipe, folder, seed=0, device="cpu", on_progress=counted
).model.head.weight
""",
    "critic": """
found = critic.train_critic(
    episodes, task, recipe, folder, seed=0, device="cpu", on_progress=counted
).critic.networks
""",
    "resumable": """
net = torch.nn.Linear(3, 1)
def update(step):
    counted(1)
    with torch.no_grad():
        net.weight += torch.rand((), generator=draws)
    return net.weight.detach().sum()
draws = torch.Generator().manual_seed(0)
training = resumable.Training({"net": net}, {}, draws, update)
resumable.train_in(folder, "net.npz", training, 40, lambda *_: None)
found = net.weight
""",
}
_LAST = """
print("steps" if steps else "none", f"{float(found.detach().sum()):.9f}", flush=True)
"""


def begin(network: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _COMMON + _NETWORKS[network] + _LAST, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def wait_for_training(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "trains\n"


def outcome(process: subprocess.Popen[str]) -> list[str]:
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return printed.splitlines()[-1].split()


@pytest.mark.parametrize("network", _NETWORKS)
def test_the_second_process_waits_and_loads(network: str, tmp_path: Path) -> None:
    with begin(network, tmp_path) as first, begin(network, tmp_path) as second:
        (trained, one), (other, two) = sorted(map(outcome, (first, second)))[::-1]
    assert (trained, other) == ("steps", "none")
    assert one == two
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".lock")]


@pytest.mark.parametrize("network", _NETWORKS)
def test_a_killed_process_holds_nothing_and_leaves_nothing(
    network: str, tmp_path: Path
) -> None:
    with begin(network, tmp_path) as first:
        wait_for_training(first)
        first.send_signal(signal.SIGKILL)
    for name in ("training.123.partial.json", ".model.safetensors.9-0123abcd.partial"):
        (tmp_path / name).write_text("half")
    (tmp_path / "notes.part").write_text("mine")  # not a name that is written here
    with begin(network, tmp_path) as second:
        trained, _ = outcome(second)
    assert trained == "steps"
    left = {path.name for path in tmp_path.iterdir()}
    assert left - {"net.npz", "critic.safetensors", "model.safetensors"} <= {
        "notes.part",
        "tokenizer.npz",
        "training.csv",
        "training.json",
    }
    assert "notes.part" in left
